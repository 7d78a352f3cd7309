"""The files that were chosen for a batch, those inside zip archives included, each read only when its turn comes."""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import Protocol

from frontend.uploaded_image import MAX_FILE_BYTES

MAX_FILES = 1000
"""Most files of one batch."""
NO_IMAGE = frozenset({".ds_store", "thumbs.db", "desktop.ini", "dicomdir"})
"""What file managers and DICOM media put beside images."""


class ArchiveError(Exception):
    """A file cannot be taken out of its archive; the sentence says why."""


class Uploaded(Protocol):
    """A file of Streamlit's uploader."""

    name: str
    file_id: str

    def getvalue(self) -> bytes:
        """Return the file's bytes."""


@dataclass(frozen=True)
class Item:
    """One file of a batch.

    Attributes:
        key: the same for the same file of the same upload.
        name: for the person; inside an archive with the folders.
        read: returns the bytes; raises ArchiveError.
    """

    key: str
    name: str
    read: Callable[[], bytes]


def items_of(files: list[Uploaded]) -> list[Item]:
    """Return the files, each archive replaced by what is in it.

    Raises:
        ArchiveError: there are more than MAX_FILES.
    """
    found = [item for file in files for item in expanded(file)]
    if len(found) > MAX_FILES:
        raise ArchiveError(
            f"Received {len(found):,} files; at most {MAX_FILES:,} are read at a time: choose fewer, or use "
            "`python -m ml.transform --input` for a whole archive."
        )
    return found


def expanded(file: Uploaded) -> Iterator[Item]:
    """Yield the file itself, or what is in it where it is a zip archive."""
    data = file.getvalue()
    if not data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        yield Item(file.file_id, file.name, file.getvalue)
        return
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except Exception:  # noqa: BLE001 (zipfile raises nearly every built-in exception on malformed archives)
        yield Item(file.file_id, file.name, refusing("It is no zip archive that can be opened; zip the images again."))
        return
    for number, entry in enumerate(archive.infolist()):
        path = PurePosixPath(entry.filename)
        hidden = path.name.startswith(".") or path.parts[:1] == ("__MACOSX",) or path.name.lower() in NO_IMAGE
        if not entry.is_dir() and not hidden:
            yield Item(f"{file.file_id}/{number}", str(path), reader(archive, entry))


def reader(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], bytes]:
    """Return a function that reads one entry, of which no more than MAX_FILE_BYTES are ever unpacked."""

    def read() -> bytes:
        try:
            with archive.open(entry) as opened:
                data = opened.read(MAX_FILE_BYTES + 1)
        except Exception as error:
            # zipfile and its decompressors raise nearly every built-in exception on malformed entries, RuntimeError on
            # encrypted ones, and lzma an error of its own.
            raise ArchiveError(f"It cannot be unpacked ({error}); zip it again without a password.") from error
        if len(data) > MAX_FILE_BYTES:
            raise ArchiveError(f"It unpacks to more than {MAX_FILE_BYTES:,} bytes; save the image as a smaller file.")
        return data

    return read


def refusing(sentence: str) -> Callable[[], bytes]:
    """Return a function that says why there is nothing to read."""

    def read() -> bytes:
        raise ArchiveError(sentence)

    return read
