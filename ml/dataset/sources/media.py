"""The media type of a file, by its first bytes."""

from pathlib import Path

from ml.dataset.sources.objects import MEDIA_BYTES, S3Path, read_first_bytes
from radiograph import MediaType, media_type

DICOM: MediaType = "application/dicom"


def media_of(path: Path) -> MediaType | None:
    """Return the media type of a JPEG, PNG or DICOM file; None for other and unreadable files."""
    if isinstance(path, S3Path):
        if path.first_bytes is None:
            read_first_bytes(path)
        return media_type(path.head(MEDIA_BYTES))
    try:
        if not path.is_file():  # opening a pipe would block
            return None
        with path.open("rb") as file:
            return media_type(file.read(MEDIA_BYTES))
    except (OSError, ValueError):
        return None
