"""An uploaded file as an image to show and bytes to send. Nothing is written to disk."""

import hashlib
from dataclasses import dataclass, replace
from io import BytesIO

from PIL import Image

import radiograph
from radiograph import scans
from radiograph.grey import check_content
from radiograph.media import describe_format

MAX_FILE_BYTES = 64 * 1024 * 1024
"""Maximum size of a file in bytes; `.streamlit/config.toml` sets the same limit for uploads."""
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
        body: the bytes to send, at most `radiograph.MAX_UPLOAD_BYTES`, of type `media_type`.
        note: how the file is changed or sent, or "".
    """

    name: str
    digest: str
    preview: Image.Image
    size: tuple[int, int]
    body: bytes
    media_type: str
    note: str


def from_file(name: str, data: bytes) -> UploadedImage:
    """Read a JPEG, PNG, DICOM, TIFF or BMP file. Of the last three, only the preview's pixels are sent.

    Raises:
        radiograph.ImageError: the file is not a usable image.
    """
    detected = radiograph.media_type(data)
    notes: tuple[str, ...] = ()
    if detected == "application/dicom":
        from radiograph import dicom

        image, notes = dicom.read_with_notes(data, max_bytes=MAX_FILE_BYTES)
    elif detected is None and scans.is_scan(data):
        image = scans.read_scan(data, max_bytes=MAX_FILE_BYTES)
    else:
        image = radiograph.read_image(data, max_bytes=radiograph.MAX_UPLOAD_BYTES)
    check_content(image)
    size = image.size
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    body, media_type, note = data, detected or "", ""
    if detected not in ("image/jpeg", "image/png"):
        body, media_type = png(image), "image/png"
        sentence = (
            f"Only the pixels of {describe_format(data)} are sent, reduced to {image.width} x {image.height}. "
            "Its tags are not sent."
        )
        note = " ".join([sentence, *notes])
    elif len(data) > radiograph.MAX_BYTES:
        note = (
            f"The file has {len(data) / 1e6:.1f} MB, more than the {radiograph.MAX_BYTES / 1e6:.1f} MB of a request. "
            "It is uploaded to the storage of this deployment, which deletes it after a day."
        )
    return UploadedImage(name, hashlib.sha256(data).hexdigest(), image, size, body, media_type, note)


def png(image: Image.Image) -> bytes:
    """Return an image as PNG, without any metadata."""
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


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
