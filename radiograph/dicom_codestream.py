"""Decode the compressed pixels of a DICOM file, after comparing the codestream's header with the tags.

Decoders in C and C++ can end the process if the two contradict each other.
"""

from __future__ import annotations

import struct
from typing import Any, Final, NamedTuple

from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1, RLELossless

from radiograph.errors import ImageError

_START_OF_J2K: Final = b"\xff\x4f\xff\x51"  # ISO 15444-1, A.4.1 and A.5.1
_FRAMES: Final = (frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}) | {0xF7}  # ISO 10918-1, B.1; ISO 14495-1, C.1
_ADVICE: Final = "export it uncompressed, as RLE, JPEG Lossless, JPEG-LS or JPEG 2000."


class _Codestream(NamedTuple):
    width: int
    height: int
    components: int
    bits: int


def check_syntax(dataset: Dataset) -> None:
    """Raise ImageError (unsupported_encoding) if no installed decoder reads the compression."""
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    if syntax.is_compressed and not _plugins(syntax):
        raise _unsupported(dataset)


def decoded(dataset: Dataset) -> NDArray[Any]:
    """Return the values of compressed pixels. Raises ImageError: broken, unsupported_encoding."""
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    _check_codestream(dataset, syntax)
    cause: Exception | None = None
    for plugin in _plugins(syntax):
        try:
            dataset.pixel_array_options(decoding_plugin=plugin)
            return dataset.pixel_array
        except Exception as error:  # noqa: BLE001 (the decoders raise nearly every built-in exception)
            cause = error
    if syntax == JPEGExtended12Bit and dataset.BitsStored > 8:
        # Decoders are declared for this compression that read only its 8-bit process.
        raise _unsupported(dataset) from cause
    raise _broken(syntax, "its pixels cannot be decoded") from cause


def _plugins(syntax: UID) -> list[str]:
    try:
        available = get_decoder(syntax).available_plugins
    except NotImplementedError:
        # pydicom has no decoder for a private or unknown transfer syntax; the caller refuses the file by its name.
        return []
    return [name for name in available if name != "gdcm" or syntax in (JPEGLossless, JPEGLosslessSV1)]


def _check_codestream(dataset: Dataset, syntax: UID) -> None:
    if syntax == RLELossless:
        return
    try:
        stream = _codestream(next(generate_frames(dataset.PixelData, number_of_frames=1)))
    except (struct.error, StopIteration, ValueError) as error:
        raise _broken(syntax, "its pixels have no complete header") from error
    if stream.components != 1:
        raise ImageError(
            "unsupported_encoding",
            f"Received a colour DICOM image ({stream.components} components in its pixels); one is allowed: export the "
            "image in grey.",
        )
    if (stream.width, stream.height) != (dataset.Columns, dataset.Rows) or stream.bits > dataset.BitsAllocated:
        raise _broken(
            syntax,
            f"its pixels are {stream.width} x {stream.height} of {stream.bits} bits, its tags say {dataset.Columns} x "
            f"{dataset.Rows} of {dataset.BitsAllocated}",
        )


def _codestream(data: bytes) -> _Codestream:
    """Return what the header of a JPEG, JPEG-LS or JPEG 2000 codestream says."""
    if (start := data.find(_START_OF_J2K, 0, 1024)) >= 0:
        right, lower, left, upper = struct.unpack_from(">4I", data, start + 8)
        components, bits = struct.unpack_from(">HB", data, start + 40)
        return _Codestream(right - left, lower - upper, components, (bits & 0x7F) + 1)
    position = 2
    while True:
        lead, marker, length = struct.unpack_from(">BBH", data, position)
        if lead != 0xFF:
            raise ValueError(position)
        if marker in _FRAMES:
            bits, height, width, components = struct.unpack_from(">BHHB", data, position + 4)
            return _Codestream(width, height, components, bits)
        position += 1 if marker == 0xFF else 2 + length  # 0xFF before a marker is a fill byte


def _unsupported(dataset: Dataset) -> ImageError:
    name = UID(dataset.file_meta.TransferSyntaxUID).name
    return ImageError(
        "unsupported_encoding",
        f"Received a DICOM image of {dataset.BitsStored} bits compressed as {name!r}, for which no decoder is "
        f"installed; {_ADVICE}",
    )


def _broken(syntax: UID, reason: str) -> ImageError:
    return ImageError(
        "broken",
        f"Received a DICOM image compressed as {syntax.name!r} that is cut or damaged ({reason}): export it again.",
    )
