"""A model's artifact: from S3 into the folder that plays /opt/ml/model."""

import shutil
import tarfile
from pathlib import Path

from localaws.sagemaker.aws.objects import Objects
from localaws.sagemaker.aws.transfer import DataError, S3Object, download, list_prefix, parse_uri
from localaws.sagemaker.store import Document


def artifact(container: Document) -> tuple[str, bool] | None:
    """Return a container's artifact as (S3 URI, whether it is one .tar.gz), or None when it has none."""
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source:
        return source["S3Uri"], source["CompressionType"] == "Gzip"
    return (container["ModelDataUrl"], True) if container.get("ModelDataUrl") else None


def fetch(s3: Objects, container: Document, root: Path) -> None:
    """Put the artifact's files into root/model.

    Raises:
        DataError: the artifact is missing, may not be read, or is no .tar.gz.
        OSError: the disk is full.
    """
    folder = root / "model"
    folder.mkdir(parents=True, exist_ok=True)
    found = artifact(container)
    if found is None:
        return
    uri, packed = found
    if not packed:
        download(s3, list_prefix(s3, uri), folder)
        return
    bucket, key = parse_uri(uri)
    archive = root / "model.tar.gz"
    download(s3, [S3Object(bucket, key, archive.name, 0)], root)
    try:
        with tarfile.open(archive, "r:gz") as files:
            unpack(files, folder)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise DataError(f"{uri} is not a model archive (.tar.gz): {error}.") from error
    except OSError as error:
        # gzip reports a file that is not gzip as an OSError without an errno; a full disk has one.
        if error.errno is not None:
            raise
        raise DataError(f"{uri} is not a model archive (.tar.gz): {error}.") from error
    archive.unlink()


def unpack(files: tarfile.TarFile, folder: Path) -> None:
    """Write an archive's files below `folder`, and nothing anywhere else.

    `TarFile.extractall(filter="data")` does as much, but Python 3.11 has it from 3.11.4 on only.

    Raises:
        ValueError: it holds a link, a device, or a path that leads out of the folder.
    """
    inside = folder.resolve()
    for member in files:
        target = (inside / member.name).resolve()
        if not target.is_relative_to(inside) or not (member.isdir() or member.isreg()):
            raise ValueError(f"{member.name} is no plain file below the archive's root")
        content = files.extractfile(member)
        if content is None:
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with content, target.open("wb") as file:
            shutil.copyfileobj(content, file)
