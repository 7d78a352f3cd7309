"""The files of a batch, including those inside zip archives. Each file is read when it is processed."""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import Protocol

from frontend.uploaded_image import MAX_FILE_BYTES

MAX_FILES = 1000
"""Maximum number of files in a batch."""
IGNORED = frozenset({".ds_store", "thumbs.db", "desktop.ini", "dicomdir"})
"""Names of files that file managers and DICOM media add."""


class ArchiveError(Exception):
    """A file cannot be extracted from its archive; the message says why."""


class UploadedFile(Protocol):
    """A file of Streamlit's uploader."""

    name: str
    file_id: str

    def getvalue(self) -> bytes:
        """Return the file's bytes."""


@dataclass(frozen=True)
class BatchFile:
    """One file of a batch.

    Attributes:
        key: the same for the same file of the same upload.
        name: shown to the person; includes the folders inside an archive.
        read: returns the bytes; raises ArchiveError.
    """

    key: str
    name: str
    read: Callable[[], bytes]


def batch_files(uploads: list[UploadedFile]) -> list[BatchFile]:
    """Return the uploaded files, with each archive replaced by its files.

    Raises:
        ArchiveError: there are more than MAX_FILES.
    """
    files = [file for upload in uploads for file in extracted(upload)]
    if len(files) > MAX_FILES:
        raise ArchiveError(
            f"Received {len(files):,} files; at most {MAX_FILES:,} are allowed: choose fewer, or use "
            "`python -m ml.transform --input` for a whole archive."
        )
    return files


def extracted(upload: UploadedFile) -> Iterator[BatchFile]:
    """Yield the file itself, or the files in it if it is a zip archive."""
    data = upload.getvalue()
    if not data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        yield BatchFile(upload.file_id, upload.name, upload.getvalue)
        return
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except Exception:  # noqa: BLE001 (zipfile raises nearly every built-in exception on malformed archives)
        yield BatchFile(upload.file_id, upload.name, failing_reader("The zip archive is broken; zip the images again."))
        return
    for number, entry in enumerate(archive.infolist()):
        path = PurePosixPath(entry.filename)
        hidden = path.name.startswith(".") or path.parts[:1] == ("__MACOSX",) or path.name.lower() in IGNORED
        if not entry.is_dir() and not hidden:
            yield BatchFile(f"{upload.file_id}/{number}", str(path), entry_reader(archive, entry))


def entry_reader(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], bytes]:
    """Return a function that reads one entry and unpacks at most MAX_FILE_BYTES of it."""

    def read() -> bytes:
        try:
            with archive.open(entry) as stream:
                data = stream.read(MAX_FILE_BYTES + 1)
        except Exception as error:
            # zipfile and its decompressors raise nearly every built-in exception on malformed entries, RuntimeError on
            # encrypted entries, and lzma its own error.
            raise ArchiveError(f"It cannot be unpacked ({error}); zip it again without a password.") from error
        if len(data) > MAX_FILE_BYTES:
            raise ArchiveError(f"It unpacks to more than {MAX_FILE_BYTES:,} bytes; save the image as a smaller file.")
        return data

    return read


def failing_reader(message: str) -> Callable[[], bytes]:
    """Return a function that raises ArchiveError with a message."""

    def read() -> bytes:
        raise ArchiveError(message)

    return read
