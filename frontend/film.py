"""A chosen file as the film to show and the bytes to send. Nothing is written to disk."""

import hashlib
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

import radiograph
from radiograph import SIDE

MAX_FILE_BYTES = 64 * 1024 * 1024
"""Largest file the app opens; `.streamlit/config.toml` sets the same limit for uploads."""


@dataclass(frozen=True)
class Film:
    """A film that can be sent.

    Attributes:
        name: the file's name, for the person who chose it.
        digest: SHA-256 of the file; what a result belongs to.
        picture: mode "L", upright, full resolution.
        body: what is sent, at most `radiograph.MAX_BYTES` bytes, of type `media_type`.
        note: what was done to the file before sending, or "".
    """

    name: str
    digest: str
    picture: Image.Image
    body: bytes
    media_type: str
    note: str


def from_file(name: str, data: bytes) -> Film:
    """Read a JPEG, PNG or DICOM file; a DICOM file leaves this process as pixels only.

    Raises:
        radiograph.FilmError: it is no usable film.
    """
    digest = hashlib.sha256(data).hexdigest()
    kind = radiograph.media_type(data)
    if kind == "application/dicom":
        from radiograph import dicom

        picture = dicom.read_dicom(data, max_bytes=MAX_FILE_BYTES)
        note = f"Only the pixels of the DICOM file are sent, reduced to {SIDE} x {SIDE} pixels; its tags stay here."
        return Film(name, digest, picture, radiograph.encode(radiograph.fit(picture)), "image/jpeg", note)
    picture = radiograph.read_film(data, max_bytes=MAX_FILE_BYTES)
    if len(data) <= radiograph.MAX_BYTES and kind is not None:
        return Film(name, digest, picture, data, kind, "")
    note = (
        f"The file has {len(data) / 1e6:.1f} MB and the API takes {radiograph.MAX_BYTES / 1e6:.1f} MB: it is reduced "
        f"to {SIDE} x {SIDE} pixels before it is sent, as the API would do."
    )
    body = radiograph.standardise(data, max_bytes=MAX_FILE_BYTES)
    return Film(name, digest, picture, body, "image/jpeg", note)


def synthetic(pneumonia: bool, seed: int = 20) -> Film:
    """Draw a film that shows nobody."""
    from radiograph import phantom

    buffer = BytesIO()
    phantom.draw(seed, pneumonia).save(buffer, "JPEG", quality=95)
    name = f"Synthetic film, drawn {'with' if pneumonia else 'without'} pneumonia"
    return from_file(name, buffer.getvalue())
