"""What kind of file a path holds, by its first bytes."""

from pathlib import Path

from radiograph import MediaType, media_type

DICOM: MediaType = "application/dicom"


def media_of(path: Path) -> MediaType | None:
    """Return the media type of a JPEG, PNG or DICOM file; None for any other, and for one that cannot be read."""
    try:
        if not path.is_file():  # opening a pipe would wait for whoever writes into it
            return None
        with path.open("rb") as file:
            return media_type(file.read(132))
    except (OSError, ValueError):
        return None
