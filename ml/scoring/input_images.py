"""The images of --input: files of a folder or objects of an S3 prefix, and their standardised copies in the bucket."""

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import botocore.exceptions

from ml.aws.errors import explain
from ml.aws.s3 import UNREADABLE, Bucket, split_uri
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


def images_of(source: str) -> list[InputImage]:
    """Return the files of a folder and its subfolders, or the objects below an S3 prefix, in the order of their names.

    Raises:
        UserError: the folder does not exist.
    """
    if is_s3(source):
        bucket, folder = split_uri(f"{source.rstrip('/')}/")
        objects = Bucket(bucket).objects(folder)
        return [InputImage(f"s3://{bucket}/{item['Key']}", item["Size"], item["ETag"]) for item in objects]
    folder_path = Path(source)
    if not folder_path.is_dir():
        raise UserError(f"--input {source} is neither a folder nor an s3:// URI.", 2)
    files = sorted(path for path in folder_path.rglob("*") if path.is_file())
    return [
        InputImage(str(path.relative_to(folder_path)), path.stat().st_size, str(path.stat().st_mtime_ns))
        for path in files
    ]


def reader(source: str) -> Callable[[InputImage], bytes]:
    """Return a function that reads an image of the source."""
    if not is_s3(source):
        return lambda image: (Path(source) / image.name).read_bytes()
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
