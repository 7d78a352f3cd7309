"""DICOM files, made from arrays of pixels."""

from __future__ import annotations

import functools
from io import BytesIO
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from tests.radiograph.files import image

RAMP = np.linspace(0, 4095, 100 * 128).round().astype(np.uint16).reshape(100, 128)


@functools.cache
def chest(black_row: int = 0) -> np.ndarray:
    """Return a synthetic radiograph of 12 bits, which differs from another by its black row (0 to 99)."""
    pixels = np.asarray(image().resize((128, 100)), np.uint16) * 16
    pixels[black_row] = 0
    return pixels


def dataset(pixels: np.ndarray = RAMP, syntax: UID = ExplicitVRLittleEndian, **tags: Any) -> Dataset:
    """Return a DX image of these pixels, unsigned 12 bits in 16 (or 8 in 8). A tag set to None is removed."""
    item = Dataset()
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = syntax
    item.file_meta.MediaStorageSOPClassUID = item.SOPClassUID = DigitalXRayImageStorageForPresentation
    item.file_meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID = generate_uid()
    item.Modality, item.PatientName, item.PatientID = "DX", "Doe^Jane", "12345"
    item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
    item.Rows, item.Columns = pixels.shape
    item.BitsAllocated = 8 * pixels.itemsize
    item.BitsStored = 8 if pixels.itemsize == 1 else 12
    item.HighBit, item.PixelRepresentation = item.BitsStored - 1, 0
    item.PixelData = pixels.tobytes()
    for name, value in tags.items():
        if value is None:
            delattr(item, name)
        else:
            setattr(item, name, value)
    return item


def compressed_dataset(syntax: UID, stream: bytes | None = None, pixels: np.ndarray = RAMP, **tags: Any) -> Dataset:
    """Return a DX image compressed by pydicom, or with this codestream."""
    item = dataset(pixels, **tags)
    if stream is None:
        item.compress(syntax)
        return item
    item.PixelData = encapsulate([stream])
    item["PixelData"].VR, item.file_meta.TransferSyntaxUID = "OB", syntax
    return item


def saved(item: Dataset) -> bytes:
    """Return the bytes of a DICOM file."""
    buffer = BytesIO()
    item.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
