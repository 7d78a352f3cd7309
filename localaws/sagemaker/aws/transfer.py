"""Transfers between S3 and folders: list an input, download it, upload results."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from localaws.ministack.object_store import ObjectError
from localaws.sagemaker.aws.objects import Objects
from localaws.sagemaker.aws.parallel import in_parallel

THREADS = 8


class DataError(Exception):
    """An object or bucket is missing, or S3 refused the request. The text is in SageMaker's words."""


class S3Object(NamedTuple):
    """An object of an input. `name` is its path relative to the input's prefix."""

    bucket: str
    key: str
    name: str
    size: int


def parse_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and key (or prefix) of an s3:// URI.

    Raises:
        DataError: the URI does not start with s3://bucket.
    """
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise DataError(f"{uri} is not an S3 location; write it as s3://bucket/key.")
    return bucket, key


def relative_name(prefix: str, key: str) -> str:
    """Return the path in the channel's folder for an object of the S3Prefix input `prefix`.

    `train` and `train/` both put train/NORMAL/a.jpg at NORMAL/a.jpg; a full key is a file of its own name;
    a prefix that ends inside a name (`tra`) keeps that name.
    """
    if key == prefix:
        return key.rsplit("/", 1)[-1]
    if prefix == "" or prefix.endswith("/"):
        return key[len(prefix) :]
    if key.startswith(prefix + "/"):
        return key[len(prefix) + 1 :]
    return key[prefix.rfind("/") + 1 :]


def list_prefix(s3: Objects, uri: str, limit: int | None = None) -> list[S3Object]:
    """Return the objects under an S3Prefix without folder markers, at most `limit` of them.

    Raises:
        DataError: the bucket is missing, or the role may not list it.
    """
    bucket, prefix = parse_uri(uri)
    objects: list[S3Object] = []
    try:
        for key, size in s3.list(bucket, prefix):
            if not key.endswith("/"):
                objects.append(S3Object(bucket, key, relative_name(prefix, key), size))
            if limit is not None and len(objects) >= limit:
                break
    except ObjectError as error:
        raise DataError(f"Unable to list objects under {uri} ({error})") from error
    return objects


def list_manifest(s3: Objects, uri: str) -> list[S3Object]:
    """Return the objects of a ManifestFile: a JSON list, [{"prefix": "s3://bucket/folder/"}, "a.jpg", ...].

    Raises:
        DataError: the manifest cannot be read or has another format.
    """
    bucket, key = parse_uri(uri)
    try:
        content = s3.get(bucket, key)
    except ObjectError as error:
        raise DataError(f"Unable to download object {uri} ({error})") from error
    try:
        entries = json.loads(content)
        base, prefix = parse_uri(entries[0]["prefix"])
        names = entries[1:]
        if not all(isinstance(name, str) for name in names):
            raise TypeError("a name is not a string")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(
            f'The manifest {uri} is not a JSON list of {{"prefix": "s3://bucket/folder/"}} and names ({error}).'
        ) from error
    return [S3Object(base, prefix + name, name, 0) for name in names]


def list_input(s3: Objects, source: dict[str, Any]) -> list[S3Object]:
    """Return the objects of an S3DataSource, an S3Prefix or a ManifestFile."""
    list_objects = list_manifest if source["S3DataType"] == "ManifestFile" else list_prefix
    return list_objects(s3, source["S3Uri"])


def download(
    s3: Objects,
    objects: Sequence[S3Object],
    folder: Path,
    on_object: Callable[[], None] = lambda: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Download objects to `folder`, each under its relative name. Stop early if `cancelled` returns True.

    Raises:
        DataError: an object cannot be read, or its name leads out of the folder.
        OSError: the disk is full or not writable.
    """
    targets = [safe_target(folder, item) for item in objects]
    for parent in {target.parent for target in targets}:
        parent.mkdir(parents=True, exist_ok=True)

    def download_object(item: S3Object, target: Path) -> None:
        try:
            body = s3.get(item.bucket, item.key)
        except ObjectError as error:
            raise DataError(f"Unable to download object s3://{item.bucket}/{item.key} ({error})") from error
        target.write_bytes(body)
        on_object()

    in_parallel(download_object, zip(objects, targets, strict=True), THREADS, cancelled)


def safe_target(folder: Path, item: S3Object) -> Path:
    """Return an object's path in `folder`.

    Raises:
        DataError: the key leads out of the folder, such as a/../../b.
    """
    parts = item.name.split("/")
    if ".." in parts or not item.name or item.name.startswith("/"):
        raise DataError(f"The key of s3://{item.bucket}/{item.key} cannot be a path below the channel's folder.")
    return folder.joinpath(*parts)


def upload(s3: Objects, path: Path, uri: str) -> None:
    """Upload a file, whole or not at all.

    Raises:
        DataError: the bucket is missing, or the role may not write there.
    """
    bucket, key = parse_uri(uri)
    try:
        s3.put(bucket, key, path.read_bytes())
    except ObjectError as error:
        raise DataError(f"Unable to upload file to {uri} ({error})") from error
