"""An uploaded file as an image to show and bytes to send. Nothing is written to disk."""

import hashlib
from dataclasses import dataclass, replace
from io import BytesIO

from PIL import Image

import radiograph
from radiograph import SIDE, ResizeMode
from radiograph.frontal_check import standardise_frontal

MAX_FILE_BYTES = 64 * 1024 * 1024
"""Most bytes of a file; `.streamlit/config.toml` sets the same limit for uploads."""
PREVIEW_SIDE = 1200
"""Longest side of the preview in pixels: more than a browser's column shows, and quick to send."""


@dataclass(frozen=True)
class UploadedImage:
    """An image that can be sent.

    Attributes:
        name: the file's name.
        digest: SHA-256 of the file.
        preview: the image to show, mode "L", upright, at most PREVIEW_SIDE pixels on a side.
        size: width and height of the file's image in pixels.
        body: the bytes to send, at most `radiograph.MAX_BYTES`, of type `media_type`.
        note: how the file was changed before sending, or "".
    """

    name: str
    digest: str
    preview: Image.Image
    size: tuple[int, int]
    body: bytes
    media_type: str
    note: str


def from_file(name: str, data: bytes, resize_mode: ResizeMode = "squash") -> UploadedImage:
    """Read a JPEG, PNG or DICOM file. Only the pixels of a DICOM file are sent.

    Args:
        resize_mode: the resize mode of the model's training images.

    Raises:
        radiograph.ImageError: the file is not a usable image.
    """
    detected = radiograph.media_type(data)
    if detected == "application/dicom":
        from radiograph import dicom

        image = dicom.read_dicom(data, max_bytes=MAX_FILE_BYTES)
        body, media_type = radiograph.encode(radiograph.resize(image, resize_mode)), "image/jpeg"
        note = f"Only the pixels of the DICOM file are sent, reduced to {SIDE} x {SIDE} pixels. Its tags are not sent."
    else:
        image = radiograph.read_image(data, max_bytes=MAX_FILE_BYTES)
        body, media_type, note = data, detected or "", ""
        if len(data) > radiograph.MAX_BYTES:
            # Reducing removes the colours, by which the API would reject a photograph: it is checked here instead.
            reduced = standardise_frontal(data, resize_mode=resize_mode, max_bytes=MAX_FILE_BYTES)
            body, media_type = radiograph.encode(reduced), "image/jpeg"
            note = (
                f"The file has {len(data) / 1e6:.1f} MB, over the limit of {radiograph.MAX_BYTES / 1e6:.1f} MB. "
                f"It is reduced to {SIDE} x {SIDE} pixels before it is sent."
            )
    size = image.size
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    return UploadedImage(name, hashlib.sha256(data).hexdigest(), image, size, body, media_type, note)


def synthetic(pneumonia: bool, seed: int = 20) -> UploadedImage:
    """Draw a synthetic image."""
    from radiograph import phantom

    buffer = BytesIO()
    phantom.draw(seed, pneumonia).save(buffer, "JPEG", quality=95)
    name = f"Synthetic image, drawn {'with' if pneumonia else 'without'} pneumonia"
    note = "This image is a drawing. A model trained on real images may misjudge it."
    return replace(from_file(name, buffer.getvalue()), note=note)


def windowed(image: Image.Image, centre: int, width: int) -> Image.Image:
    """Return the image (mode "L") through a window (DICOM PS3.3 C.11.2.1.2, LINEAR).

    Args:
        centre: grey value in the middle of the window; 128 with a width of 256 changes nothing.
        width: number of grey values, at least 2.
    """
    luminance = [(grey - (centre - 0.5)) / (width - 1) + 0.5 for grey in range(256)]
    return image.point([round(255 * min(max(value, 0), 1)) for value in luminance])
