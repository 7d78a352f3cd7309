"""Reading of a model.tar.gz from any source, with limits on memory and disk."""

import errno
import gzip
import shutil
import tarfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from network.errors import InputError

MAX_BYTES = 8_000_000_000
"""Unpacked size of an archive. 20 checkpoints of 152 layers have 5 GB."""
MAX_MEMBERS = 10_000
MAX_HEADER = 1_000_000
"""Bytes of an extended header, which tarfile reads into memory whole."""


def names(archive: Path) -> list[str]:
    """Return the names of the files in a .tar.gz, without a leading "./".

    Raises:
        InputError: it is not a complete .tar.gz, is too large, or holds a link, a device or a path out of its root.
    """
    with opened(archive) as files:
        return [str(path) for path, member in checked(files) if member.isreg()]


def unpack(archive: Path, folder: Path, only: Collection[str] | None = None) -> None:
    """Write the files of a .tar.gz, or only some of them, below `folder` and nowhere else.

    `TarFile.extractall(filter="data")` requires Python 3.11.4.

    Raises:
        InputError: as for `names`.
        OSError: the disk is full.
    """
    with opened(archive) as files:
        for path, member in checked(files):
            target = folder / path
            content = files.extractfile(member)
            if content is None:
                target.mkdir(parents=True, exist_ok=True)
            elif only is None or str(path) in only:
                target.parent.mkdir(parents=True, exist_ok=True)
                with content, target.open("wb") as file:
                    shutil.copyfileobj(content, file)


def checked(files: tarfile.TarFile) -> Iterator[tuple[PurePosixPath, tarfile.TarInfo]]:
    """Yield the path and the header of each file and folder, before its content is read.

    Raises:
        InputError: the archive is too large, or holds something else.
    """
    size = 0
    for count, member in enumerate(files, 1):
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or not (member.isdir() or member.isreg()):
            raise InputError(f"The archive holds {member.name!r}, which is not a plain file or folder below its root.")
        size += member.size
        if size > MAX_BYTES or count > MAX_MEMBERS:
            raise InputError(f"The archive unpacks to more than {MAX_BYTES:,} bytes or {MAX_MEMBERS:,} files.")
        yield path, member


@contextmanager
def opened(archive: Path) -> Iterator[tarfile.TarFile]:
    """Open an archive, and turn the errors of the formats into InputError."""
    try:
        with Decompressed(archive) as content, tarfile.open(fileobj=content, mode="r:") as files:
            yield files
    except InputError:
        raise
    except (tarfile.TarError, zlib.error, EOFError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(f"The archive is not a complete .tar.gz ({error}).") from error


class Decompressed(gzip.GzipFile):
    """A decompressed stream that reads little at once."""

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes.

        Raises:
            tarfile.ReadError: more than a file's name or a block of its content was asked for.
        """
        if size is None or not 0 <= size <= MAX_HEADER:
            raise tarfile.ReadError(f"a header has more than {MAX_HEADER:,} bytes")
        return super().read(size)
