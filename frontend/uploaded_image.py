"""A chosen file as the image to show and the bytes to send. Nothing is written to disk."""

import hashlib
from dataclasses import dataclass, replace
from io import BytesIO

from PIL import Image

import radiograph
from radiograph import SIDE, ResizeMode
from radiograph.frontal_check import radiograph_image

MAX_FILE_BYTES = 64 * 1024 * 1024
"""Largest file the app opens; `.streamlit/config.toml` sets the same limit for uploads."""
SHOWN_SIDE = 1200
"""Longest side in pixels of what is shown: more than a browser's column has, and quick to send to it."""


@dataclass(frozen=True)
class Radiograph:
    """An image that can be sent.

    Attributes:
        name: the file's name, for the person who chose it.
        digest: SHA-256 of the file; what a result belongs to.
        picture: mode "L", upright, at most SHOWN_SIDE pixels on a side; only to be looked at.
        size: width and height of the file's image in pixels.
        body: what is sent, at most `radiograph.MAX_BYTES` bytes, of type `media_type`.
        note: what was done to the file before sending, or "".
    """

    name: str
    digest: str
    picture: Image.Image
    size: tuple[int, int]
    body: bytes
    media_type: str
    note: str


def from_file(name: str, data: bytes, resize_mode: ResizeMode = "squash") -> Radiograph:
    """Read a JPEG, PNG or DICOM file; a DICOM file leaves this process as pixels only.

    Args:
        resize_mode: how the model's images were made square; an image that is reduced here is reduced in that way.

    Raises:
        radiograph.ImageError: it is no usable image.
    """
    kind = radiograph.media_type(data)
    if kind == "application/dicom":
        from radiograph import dicom

        picture = dicom.read_dicom(data, max_bytes=MAX_FILE_BYTES)
        body, media_type = radiograph.encode(radiograph.fit(picture, resize_mode)), "image/jpeg"
        note = f"Only the pixels of the DICOM file are sent, reduced to {SIDE} x {SIDE} pixels; its tags stay here."
    else:
        picture = radiograph.read_image(data, max_bytes=MAX_FILE_BYTES)
        body, media_type, note = data, kind or "", ""
        if len(data) > radiograph.MAX_BYTES:
            # The API could no longer tell a photograph in colour from an image: its gate acts here, before reducing.
            image = radiograph_image(data, resize_mode=resize_mode, max_bytes=MAX_FILE_BYTES)
            body, media_type = radiograph.encode(image), "image/jpeg"
            note = (
                f"The file has {len(data) / 1e6:.1f} MB and the API takes {radiograph.MAX_BYTES / 1e6:.1f} MB: it is "
                f"reduced to {SIDE} x {SIDE} pixels before it is sent, as the API would do."
            )
    size = picture.size
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    return Radiograph(name, hashlib.sha256(data).hexdigest(), picture, size, body, media_type, note)


def synthetic(pneumonia: bool, seed: int = 20) -> Radiograph:
    """Draw an image that shows nobody."""
    from radiograph import phantom

    buffer = BytesIO()
    phantom.draw(seed, pneumonia).save(buffer, "JPEG", quality=95)
    name = f"Synthetic image, drawn {'with' if pneumonia else 'without'} pneumonia"
    note = "Drawn by the project; a model that was trained on real images may misjudge it."
    return replace(from_file(name, buffer.getvalue()), note=note)


def windowed(picture: Image.Image, centre: int, width: int) -> Image.Image:
    """The picture (mode "L") through a window, as viewing stations do it (DICOM PS3.3 C.11.2.1.2, LINEAR).

    Args:
        centre: grey in the middle of the window; 128 with a width of 256 changes nothing.
        width: greys across, at least 2.
    """
    light = [(grey - (centre - 0.5)) / (width - 1) + 0.5 for grey in range(256)]
    return picture.point([round(255 * min(max(one, 0), 1)) for one in light])
