"""Decode the compressed pixels of a DICOM file, after comparing the codestream's header with the tags.

Decoders in C and C++ can end the process if the two contradict each other.
"""

from __future__ import annotations

import re
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
_LOSSLESS: Final = 0xC3
_JPEG_LS: Final = 0xF7
_HUFFMAN: Final = 0xC4
_SCAN: Final = 0xDA
# Frames, tables, scan, restart interval, JPEG-LS parameters, application data, comment, and 0xFF to fill.
_SEGMENTS: Final = _FRAMES | {0xC4, 0xCC, 0xDA, 0xDB, 0xDD, 0xF8, 0xFE, 0xFF, *range(0xE0, 0xF0)}
_END: Final = b"\xff\xd9"
_MARKERS: Final = {  # not a stuffed byte, restart or fill byte
    _LOSSLESS: re.compile(rb"\xff[^\x00\xd0-\xd7\xff]"),
    _JPEG_LS: re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]"),  # after 0xFF, JPEG-LS stuffs a bit (ISO 14495-1, A.1)
}
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
        # pydicom lists decoders for this compression that read only its 8-bit process.
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
    except (struct.error, StopIteration, ValueError, IndexError) as error:
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
    frame, position, marker, tables = b"", 2, 0, set[int]()
    while marker != _SCAN:
        lead, marker, length = struct.unpack_from(">BBH", data, position)
        body = data[position + 4 : position + 2 + length]
        if lead != 0xFF or marker not in _SEGMENTS or (marker in _FRAMES and frame):
            raise ValueError(marker)
        if marker in _FRAMES:
            frame = bytes((marker,)) + body
        if marker == _HUFFMAN:
            tables |= _huffman_tables(body)
        position += 1 if marker == 0xFF else 2 + length  # 0xFF before a marker is a fill byte
    kind, bits, height, width, components = struct.unpack_from(">BBHHB", frame)
    if kind == _LOSSLESS and components == 1:
        _check_lossless(frame, body, tables)
    # Without an end marker, gdcm ends the process, and CharLS reads on for seconds.
    if components == 1 and kind in _MARKERS:
        end = _MARKERS[kind].search(data, position)
        if end is None or end[0] != _END:
            raise ValueError(kind)
    return _Codestream(width, height, components, bits)


def _check_lossless(frame: bytes, scan: bytes, tables: set[int]) -> None:
    """Raise ValueError for JPEG Lossless that ends the process in gdcm (ISO 10918-1, B.1.1.5, B.2.3 and H.1)."""
    identifier, sampling = frame[7:9]
    count, scanned, table, predictor, end, point = struct.unpack_from(">BBBBBB", scan)
    if (
        (count, scanned, end, sampling) != (1, identifier, 0, 0x11)
        or not 1 <= predictor <= 7
        or point
        or table >> 4 not in tables
    ):
        raise ValueError(scan)


def _huffman_tables(body: bytes) -> set[int]:
    """Return the numbers of a segment's tables; raise ValueError if their lengths contradict each other (B.2.4.2)."""
    numbers = set()
    while body:
        if body[0] & 0xEF > 3 or len(body) < 17 + sum(body[1:17]):
            raise ValueError(body[0])
        numbers.add(body[0])
        body = body[17 + sum(body[1:17]) :]
    return numbers


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
