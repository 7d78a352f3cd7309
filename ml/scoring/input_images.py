"""The images of --input: files of a folder or objects of an S3 prefix, and their standardised copies in the bucket."""

import hashlib
import stat
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import botocore.exceptions

from ml.aws.errors import explain
from ml.aws.s3 import UNREADABLE, Bucket, split_uri
from ml.dataset.sources.listing import is_ignored, list_files
from ml.dataset.standardising import MAX_FILE_BYTES, read
from ml.errors import UserError
from ml.progress import Progress
from radiograph import ImageError, ResizeMode, encode

THREADS = 8
"""Images in work at a time: reading and writing S3 waits longer than standardising computes."""
CHUNK = 1000
"""Images that are queued at a time, to bound the memory."""


@dataclass(frozen=True)
class InputImage:
    """A file or an object.

    Attributes:
        name: path below the folder, or URI.
        size: in bytes.
        version: another one when the content changes: time of the change, or ETag.
    """

    name: str
    size: int
    version: str

    def copy_name(self, resize_mode: ResizeMode) -> str:
        """Return the name of the standardised copy, which differs between images, versions and resize modes."""
        text = f"{self.name}\0{self.version}\0{resize_mode}"
        return f"{hashlib.sha256(text.encode(errors='surrogateescape')).hexdigest()[:32]}.jpg"


def is_s3(source: str) -> bool:
    """Return whether the source is an S3 prefix."""
    return source.startswith("s3://")


def list_images(source: str) -> list[InputImage]:
    """Return the files of a folder and its subfolders, or the objects below an S3 prefix, in the order of their names.

    Files that `ml.prepare` ignores by their name are ignored here too.

    Raises:
        UserError: the folder does not exist.
    """
    if is_s3(source):
        bucket, prefix = split_uri(f"{source.rstrip('/')}/")
        objects = Bucket(bucket).objects(prefix)
        return [
            InputImage(f"s3://{bucket}/{item['Key']}", item["Size"], item["ETag"])
            for item in objects
            if not any(map(is_ignored, item["Key"].removeprefix(prefix).split("/")))
        ]
    folder = Path(source)
    if not folder.is_dir():
        raise UserError(f"--input {source} is neither a folder nor an s3:// URI.", 2)
    return [input_file(path, folder) for path in sorted(list_files(folder).files)]


def input_file(path: Path, folder: Path) -> InputImage:
    """Return a file below a folder; one that does not exist has no version."""
    try:
        status = path.stat()
    except OSError:
        return InputImage(str(path.relative_to(folder)), 0, "")
    return InputImage(str(path.relative_to(folder)), status.st_size, str(status.st_mtime_ns))


def refuse_output(source: str, target: Path) -> None:
    """Refuse a file of scores in a folder of the images.

    Raises:
        UserError: the file would be in one of the folders.
    """
    if not is_s3(source):
        folder = target.resolve().parent
        if folder.is_relative_to(Path(source).resolve()) or folder in list_files(Path(source)).folders:
            raise UserError(f"--output {target} is inside --input {source}, which is only read; name another file.", 2)


def read_file(path: Path) -> bytes:
    """Return a file's content.

    Raises:
        OSError: it is not a regular file, such as a pipe, which would block, or it cannot be read.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("it is not a regular file")
    return path.read_bytes()


def reader(source: str) -> Callable[[InputImage], bytes]:
    """Return a function that reads an image of the source."""
    if not is_s3(source):
        return lambda image: read_file(Path(source) / image.name)
    bucket = Bucket(split_uri(source)[0])
    return lambda image: bucket.read(split_uri(image.name)[1])


def upload_copies(
    source: str, images: Mapping[str, InputImage], prefix: str, resize_mode: ResizeMode
) -> dict[str, str]:
    """Standardise images like training images and store them below a prefix; skip those that are there already.

    Args:
        images: by the name of their copy.
        prefix: URI that ends in a slash.

    Returns:
        for each image that cannot be scored, the reason, by the name of its copy.

    Raises:
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: the source or the bucket cannot be used.
    """
    name, folder = split_uri(prefix)
    bucket, read_image = Bucket(name), reader(source)
    present = bucket.sizes(folder)
    missing = [copy for copy in images if f"{folder}{copy}" not in present]
    rejects: dict[str, str] = {}

    def send(copy: str) -> None:
        standardised = standardised_or_reason(images[copy], read_image, resize_mode)
        if isinstance(standardised, str):
            rejects[copy] = standardised
        else:
            bucket.put(f"{folder}{copy}", standardised, "image/jpeg")

    progress = Progress("Standardised and uploaded", len(images), done=len(images) - len(missing))
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(missing), CHUNK):
            for _ in pool.map(send, missing[start : start + CHUNK]):
                progress.advance()
    progress.finish()
    return rejects


def standardised_or_reason(
    image: InputImage, read_image: Callable[[InputImage], bytes], resize_mode: ResizeMode
) -> bytes | str:
    """Return the standardised JPEG of an image, or the reason why it cannot be scored.

    Raises:
        botocore.exceptions.ClientError: S3 refused for a reason that concerns more than this object.
    """
    if image.size > MAX_FILE_BYTES:
        return f"larger than {MAX_FILE_BYTES:,} bytes"
    try:
        content = read_image(image)
    except OSError as error:
        return error.strerror or str(error)
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in UNREADABLE:
            raise
        return explain(error)
    try:
        return encode(read(content, resize_mode))
    except ImageError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 (an unforeseen file must not end the command)
        return f"it cannot be read ({type(error).__name__}); export it again"
