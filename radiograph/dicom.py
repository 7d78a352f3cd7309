"""Read DICOM CR and DX images as 8-bit grey. Only pixels leave the file, no tags.

This module needs pydicom and numpy. The rest of the package does not import it.
"""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_modality_lut, apply_voi
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from radiograph.errors import ImageError
from radiograph.limits import check_bytes, check_size
from radiograph.media import describe, media_type

MODALITIES: Final = ("CR", "DX")
"""Computed and digital radiography, the modalities of projection radiographs (PS3.3 C.7.3.1.1.1)."""


def read_dicom(data: bytes, *, max_bytes: int | None = None) -> Image.Image:
    """Return the image of a CR or DX file as a viewer shows it: mode "L", full resolution, 0 black to 255 white.

    Apply the modality LUT or rescale, then the first VOI LUT or window (PS3.3 C.11.1, C.11.2). Without one of these,
    use the range of the values. Invert MONOCHROME1. Raises only ImageError.
    """
    check_bytes(data, max_bytes)
    if media_type(data) != "application/dicom":
        raise ImageError("unsupported_format", f"Received {describe(data)}; send a DICOM file (PS3.10).")
    if DeflatedExplicitVRLittleEndian.encode() in data:
        # pydicom inflates the whole file, without a limit on its size.
        raise ImageError(
            "unsupported_encoding",
            "Received a deflated DICOM file; uncompressed, RLE, JPEG and JPEG 2000 are allowed: export it again.",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom warns about every tag value outside the standard
            dataset = dcmread(BytesIO(data))
            _check(dataset)
            light = _light(dataset)
    except (ImageError, MemoryError):
        raise
    except Exception as error:
        # pydicom and its decoders raise nearly every built-in exception on malformed files.
        raise ImageError(
            "broken",
            "Received a DICOM file that cannot be decoded; export it from the archive again and send that file.",
        ) from error
    return Image.fromarray(np.rint(light * 255).astype(np.uint8))


def _check(dataset: Dataset) -> None:
    modality = str(dataset.get("Modality", "") or "none")
    if modality not in MODALITIES:
        shown = modality if modality.isalnum() and len(modality) <= 16 else "unknown"  # CS, PS3.5 6.2
        raise ImageError(
            "wrong_modality",
            f"Received a DICOM file of modality {shown}; CR and DX are allowed: send a chest radiograph.",
        )
    if "PixelData" not in dataset or "Rows" not in dataset or "Columns" not in dataset:
        raise ImageError(
            "no_pixels", "Received a DICOM file without an image; send the file that contains the image itself."
        )
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    if frames != 1:
        raise ImageError(
            "multi_frame", f"Received a DICOM file of {frames} frames; one is allowed: export a single image."
        )
    check_size(int(dataset.Columns), int(dataset.Rows))
    photometric = str(dataset.PhotometricInterpretation)
    if photometric not in ("MONOCHROME1", "MONOCHROME2") or int(dataset.get("SamplesPerPixel", 1) or 1) != 1:
        raise ImageError(
            "unsupported_encoding",
            "Received a colour DICOM image; MONOCHROME1 and MONOCHROME2 are allowed: export the image in grey.",
        )
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    if syntax.is_compressed and not _decodable(syntax):
        raise ImageError(
            "unsupported_encoding",
            f"Received a DICOM image compressed as {syntax.name!r}, for which no decoder is installed; "
            "export it uncompressed, as RLE, baseline JPEG or JPEG 2000.",
        )


def _decodable(syntax: UID) -> bool:
    try:
        return get_decoder(syntax).is_available
    except NotImplementedError:
        # pydicom has no decoder for a private or unknown transfer syntax; the caller refuses the file by its name.
        return False


def _light(dataset: Dataset) -> NDArray[np.float32]:
    """Return luminance, 0 to 1, of shape (rows, columns)."""
    stored = dataset.pixel_array
    values = np.asarray(apply_modality_lut(stored, dataset), np.float32)
    if dataset.get("VOILUTSequence"):
        table = dataset.VOILUTSequence[0]
        looked_up = apply_voi(np.rint(values).astype(np.int32), dataset)
        light = np.asarray(looked_up / (2 ** table.LUTDescriptor[2] - 1), np.float32)
    elif dataset.get("WindowCenter") is not None and dataset.get("WindowWidth") is not None:
        light = _window(values, dataset)
    else:
        light = _range(values, stored, dataset)
    np.clip(light, 0, 1, out=light)
    return np.subtract(1, light, out=light) if dataset.PhotometricInterpretation == "MONOCHROME1" else light


def _window(values: NDArray[np.float32], dataset: Dataset) -> NDArray[np.float32]:
    """Apply the first window (PS3.3 C.11.2.1.2 LINEAR, C.11.2.1.3 SIGMOID and LINEAR_EXACT), scaled to 0 to 1."""
    centre, width = _first(dataset.WindowCenter), _first(dataset.WindowWidth)
    function = str(dataset.get("VOILUTFunction", "LINEAR") or "LINEAR")
    if function == "LINEAR":
        centre, width = centre - 0.5, width - 1
    relative = (values - centre) / max(width, 1e-6)  # a width of 0, or 1 when LINEAR, is a threshold
    if function == "SIGMOID":
        return np.asarray(1 / (1 + np.exp(np.clip(-4 * relative, -60, 60))), np.float32)
    return np.asarray(relative + 0.5, np.float32)


def _range(values: NDArray[np.float32], stored: NDArray[Any], dataset: Dataset) -> NDArray[np.float32]:
    padding = dataset.get("PixelPaddingValue")
    image = values if padding is None or (stored == padding).all() else values[stored != padding]
    low, high = float(image.min()), float(image.max())
    return np.asarray((values - low) / max(high - low, 1e-6), np.float32)


def _first(value: Any) -> float:
    return float(value if isinstance(value, (int, float, str)) else value[0])
