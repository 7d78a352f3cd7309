"""Objects below an S3 prefix as the files of a source: listed and read over the network, never stored."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import PosixPath
from typing import Any

import botocore.exceptions

from ml.aws.errors import explain
from ml.aws.s3 import THREADS, UNREADABLE, Bucket, split_uri
from ml.dataset.sources.listing import Listing, is_ignored
from ml.progress import Progress
from radiograph import media_type

MEDIA_BYTES = 132
"""Bytes that show the media type."""
TAG_BYTES = 8192
"""Bytes that contain the identifying tags of nearly every DICOM file."""


class S3Path(PosixPath):
    """The path of an object or a prefix: s3://BUCKET/KEY.

    Attributes:
        listed_key: the key as S3 lists it; a path leaves out empty parts.
        size, version: bytes and ETag; None for a path that was not listed.
        content: the whole object, while `load` holds it.
        first_bytes: the beginning of a listed object.
    """

    listed_key: str | None = None
    size: int | None = None
    version: str | None = None
    content: bytes | OSError | None = None
    first_bytes: bytes | None = None

    @property
    def key(self) -> str:
        """Return the object's key."""
        return "/".join(self.parts[2:]) if self.listed_key is None else self.listed_key

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep the key, the size and the version for another process."""
        return located, (str(self), self.listed_key, self.size, self.version)

    def __str__(self) -> str:
        """Return the URI."""
        return f"s3://{'/'.join(self.parts[1:])}"

    def bucket(self) -> Bucket:
        """Return the bucket."""
        return Bucket(self.parts[1])

    def load(self) -> None:
        """Read the object, so that `read_bytes` does not call S3.

        Raises:
            botocore.exceptions.ClientError: S3 refused for a reason that concerns more than this object.
        """
        try:
            self.content = self.bucket().read(self.key)
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in UNREADABLE:
                raise
            self.content = OSError(explain(error))

    def read_bytes(self) -> bytes:
        """Return the content.

        Raises:
            OSError: this object cannot be read.
        """
        if self.content is None:
            self.load()
        content, self.content = self.content, None
        if isinstance(content, OSError):
            raise content
        return content or b""

    def head(self, length: int) -> bytes:
        """Return the first bytes, at most those that `read_first_bytes` kept."""
        if self.first_bytes is not None:
            return self.first_bytes[:length]
        return self.bucket().read(self.key, length) if self.size != 0 else b""

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return the type and the size of a listed object."""
        return os.stat_result((stat.S_IFREG, 0, 0, 1, 0, 0, self.size or 0, 0, 0, 0))

    def is_file(self) -> bool:
        """Return whether the object exists."""
        return self.size is not None or (bool(self.key) and self.bucket().exists(self.key))

    def is_dir(self) -> bool:
        """Return whether the path is a prefix of objects."""
        return not self.is_file()


def located(uri: str, key: str | None = None, size: int | None = None, version: str | None = None) -> S3Path:
    """Return the path of a URI.

    Raises:
        UserError: it is not an S3 URI.
    """
    bucket, path = split_uri(uri)
    item = S3Path("s3:/", bucket, path)
    item.listed_key, item.size, item.version = key, size, version
    return item


def list_objects(folder: S3Path) -> Listing:
    """Return the objects below a prefix, with the first bytes of each."""
    prefix = f"{folder.key.rstrip('/')}/" if folder.key else ""
    bucket = folder.bucket()
    paths = [
        located(f"s3://{bucket.name}/{item['Key']}", item["Key"], item["Size"], item["ETag"])
        for item in bucket.objects(prefix)
    ]
    files = [path for path in paths if not any(map(is_ignored, path.relative_to(folder).parts))]
    progress = Progress("Listing", len(files))
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(read_first_bytes, files):
            progress.advance()
    progress.finish()
    return Listing(folder, sorted(files), [], len(paths) - len(files))


def read_first_bytes(path: S3Path) -> None:
    """Keep the beginning of an object; of a DICOM file, as much as usually contains the patient's tags.

    Raises:
        botocore.exceptions.ClientError: S3 refused for a reason that concerns more than this object.
    """
    try:
        head = path.head(MEDIA_BYTES)
        path.first_bytes = path.head(TAG_BYTES) if media_type(head) == "application/dicom" else head
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in UNREADABLE:
            raise
        path.first_bytes = b""
