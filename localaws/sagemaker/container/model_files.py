"""Archives in S3: a model's artifact and its location, and their download into the folders in place of /opt/ml."""

from pathlib import Path

from localaws.sagemaker.aws.objects import Objects
from localaws.sagemaker.aws.transfer import DataError, S3Object, download, list_prefix, parse_uri
from localaws.sagemaker.store import Document
from network.archive import unpack
from network.errors import InputError


def artifact(container: Document) -> tuple[str, bool] | None:
    """Return a container's artifact as (S3 URI, whether it is a .tar.gz), None if it has none."""
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source:
        return source["S3Uri"], source["CompressionType"] == "Gzip"
    return (container["ModelDataUrl"], True) if container.get("ModelDataUrl") else None


def fetch(s3: Objects, container: Document, root: Path) -> None:
    """Download the artifact's files into root/model.

    Raises:
        DataError: the artifact is missing, may not be read, or is not a .tar.gz.
        OSError: the disk is full.
    """
    folder = root / "model"
    folder.mkdir(parents=True, exist_ok=True)
    location = artifact(container)
    if location is None:
        return
    uri, packed = location
    if not packed:
        download(s3, list_prefix(s3, uri), folder)
        return
    fetch_archive(s3, uri, folder)


def fetch_archive(s3: Objects, uri: str, folder: Path) -> None:
    """Download a .tar.gz and unpack it into a new or empty folder.

    Raises:
        DataError: the object is missing, may not be read, or cannot be unpacked.
        OSError: the disk is full.
    """
    bucket, key = parse_uri(uri)
    archive = folder.with_name(f"{folder.name}.tar.gz")
    download(s3, [S3Object(bucket, key, archive.name, 0)], folder.parent)
    try:
        unpack(archive, folder)
    except InputError as error:
        raise DataError(f"{uri} cannot be unpacked. {error}") from error
    archive.unlink()
