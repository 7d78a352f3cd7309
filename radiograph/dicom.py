"""Read DICOM radiographs as 8-bit grey. Only pixels and sentences about tags leave the file.

This module needs pydicom and numpy. The rest of the package does not import it.
"""

from __future__ import annotations

import warnings
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from radiograph import dicom_codestream, dicom_tags
from radiograph.dicom_elements import read_elements
from radiograph.dicom_grey import light_of
from radiograph.dicom_tags import integer
from radiograph.errors import ImageError
from radiograph.grey import check_content
from radiograph.limits import check_bytes, check_size
from radiograph.media import describe_format, media_type

_QUARTER_TURNS: Final = (
    None,
    Image.Transpose.ROTATE_270,  # Pillow counts anticlockwise
    Image.Transpose.ROTATE_180,
    Image.Transpose.ROTATE_90,
)
_COLOUR: Final = ("RGB", "ARGB", "CMYK", "HSV", "PALETTE COLOR", "YBR_")  # PS3.3 C.7.6.3.1.2


class DicomImage(NamedTuple):
    """A DICOM file's image, mode "L", upright, at full resolution, and sentences about its tags."""

    image: Image.Image
    notes: tuple[str, ...]


def read_dicom(data: bytes, *, max_bytes: int | None = None, any_view: bool = False) -> Image.Image:
    """Return the image of a DICOM file; see `read_with_notes`."""
    return read_with_notes(data, max_bytes=max_bytes, any_view=any_view).image


def read_with_notes(data: bytes, *, max_bytes: int | None = None, any_view: bool = False) -> DicomImage:
    """Return the image of a CR, DX or RG file as a viewer shows it, 0 black to 255 white, and notes on its tags.

    Apply the modality LUT or rescale, then the first VOI LUT or window (PS3.3 C.11.1, C.11.2). Without one of these,
    use the range of the values. A tag that cannot be true is dropped with a note, and the next rule applies. Invert
    MONOCHROME1 and turn the image upright by PatientOrientation. `any_view` accepts declared laterals and other parts
    of the body. Raises only ImageError.
    """
    check_bytes(data, max_bytes)
    if media_type(data) != "application/dicom":
        raise ImageError("unsupported_format", f"Received {describe_format(data)}; send a DICOM file (PS3.10).")
    if DeflatedExplicitVRLittleEndian.encode() in data:
        # pydicom inflates the whole file, without a limit on its size.
        raise ImageError(
            "unsupported_encoding", "Received a deflated DICOM file, which is not allowed; export it without deflate."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom warns about every tag value outside the standard
            dataset = read_elements(data)
            _complete(dataset)
            _check(dataset)
            if not any_view:
                dicom_tags.check_view(dataset)
            notes = dicom_tags.notes_of(dataset)
            light = light_of(_stored(dataset, notes), dataset, notes)
            turn = _QUARTER_TURNS[dicom_tags.turns(dataset, notes)]
    except (ImageError, MemoryError):
        raise
    except Exception as error:
        # pydicom and its decoders raise nearly every built-in exception on malformed files.
        raise ImageError(
            "broken",
            "Received a DICOM file that cannot be decoded; export it from the archive again and send that file.",
        ) from error
    image = Image.fromarray(np.rint(light * 255).astype(np.uint8))
    check_content(image)
    return DicomImage(image if turn is None else image.transpose(turn), tuple(notes))


def _complete(dataset: Dataset) -> None:
    """Normalise the tags that the decoder needs, and add those that are absent but certain."""
    if not dataset.file_meta.get("TransferSyntaxUID"):
        implicit, little = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = (
            ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        )
    if "PhotometricInterpretation" in dataset:
        dataset.add_new("PhotometricInterpretation", "CS", dicom_tags.code(dataset, "PhotometricInterpretation"))
    allocated = integer(dataset, "BitsAllocated", 16)
    defaults = {"SamplesPerPixel": 1, "PixelRepresentation": 0, "BitsAllocated": allocated, "BitsStored": allocated}
    for keyword in (*defaults, "Rows", "Columns"):
        if keyword in dataset or keyword in defaults:
            # pydicom's decoders need integers, whatever the value representation in the file.
            dataset.add_new(keyword, "US", integer(dataset, keyword, defaults.get(keyword, 0)))


def _check(dataset: Dataset) -> None:
    dicom_tags.check_modality(dataset)
    if "PixelData" not in dataset or "Rows" not in dataset or "Columns" not in dataset:
        raise ImageError(
            "no_pixels",
            "Received a DICOM file without an image, or one that was cut before it; send the whole file of the image.",
        )
    frames = integer(dataset, "NumberOfFrames", 1) or 1
    if frames != 1:
        raise ImageError(
            "multi_frame", f"Received a DICOM file of {frames} frames; one is allowed: export a single image."
        )
    check_size(dataset.Columns, dataset.Rows)
    if "PhotometricInterpretation" not in dataset:
        raise ImageError("broken", "Received a DICOM image without PhotometricInterpretation; export it again.")
    _check_grey(dataset)
    dicom_codestream.check_syntax(dataset)
    if not UID(dataset.file_meta.TransferSyntaxUID).is_compressed:
        _check_length(dataset)


def _check_grey(dataset: Dataset) -> None:
    photometric, samples = dataset.PhotometricInterpretation, dataset.SamplesPerPixel
    if photometric.startswith(_COLOUR) or samples != 1:
        raise ImageError(
            "unsupported_encoding",
            f"Received a colour DICOM image ({dicom_tags.shown(photometric)}, {samples} samples per pixel); "
            "MONOCHROME1 and MONOCHROME2 of one sample are allowed: export the image in grey.",
        )
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise ImageError(
            "broken",
            "Received a DICOM image of an unknown PhotometricInterpretation; MONOCHROME1 and MONOCHROME2 are allowed: "
            "export the file again.",
        )
    stored, allocated = dataset.BitsStored, dataset.BitsAllocated
    if allocated not in (8, 16, 32) or not 1 <= stored <= allocated:
        raise ImageError(
            "broken",
            f"Received a DICOM image of BitsStored {stored} and BitsAllocated {allocated}; 8, 16 or 32 bits allocated "
            "and at most as many stored are allowed: export the file again.",
        )


def _check_length(dataset: Dataset) -> None:
    needed = dataset.Rows * dataset.Columns * dataset.BitsAllocated // 8
    if (length := len(dataset.PixelData)) < needed:
        raise ImageError(
            "truncated",
            f"Received a DICOM image of {length:,} bytes of pixels; its size needs {needed:,}: export it again.",
        )


def _stored(dataset: Dataset, notes: list[str]) -> NDArray[Any]:
    """Return the stored values, right-aligned, without overlays in unused bits."""
    syntax, bits, allocated = UID(dataset.file_meta.TransferSyntaxUID), dataset.BitsStored, int(dataset.BitsAllocated)
    high = integer(dataset, "HighBit", bits - 1)
    if not bits - 1 <= high < allocated:
        notes.append(f"HighBit {high} is dropped: {bits} bits are stored in {allocated}.")
        high = bits - 1
    dataset.BitsStored, dataset.HighBit = high + 1, high
    values = dicom_codestream.decoded(dataset) if syntax.is_compressed else dataset.pixel_array
    values = values.astype(np.int64 if allocated > 16 else np.int32) >> (high + 1 - bits)
    if syntax.is_compressed and syntax != RLELossless and high == bits - 1:
        # pydicom does not mask what a codestream holds above BitsStored, such as an overlay.
        values &= (1 << bits) - 1
        if dataset.PixelRepresentation:
            values -= (values >> (bits - 1)) << bits
    return np.asarray(values)
