"""The media type of a file, by its first bytes."""

from pathlib import Path

from radiograph import MediaType, media_type

DICOM: MediaType = "application/dicom"


def media_of(path: Path) -> MediaType | None:
    """Return the media type of a JPEG, PNG or DICOM file; None for other and unreadable files."""
    try:
        if not path.is_file():  # opening a pipe would block
            return None
        with path.open("rb") as file:
            return media_type(file.read(132))
    except (OSError, ValueError):
        return None
