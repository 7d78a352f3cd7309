"""Files, images and prepared data sets for tests of the preparation."""

import functools
import io
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from PIL import Image

from localaws.environment import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY
from ml import prepare
from ml.dataset.radiographs import Encoding, Radiograph
from radiograph.phantom import draw

PHANTOM = draw(7, False).resize((300, 260))
STORED = Encoding(1000, 90, 80, "L", 330)


def encoded(form: str, mode: str = "L", image: Image.Image = PHANTOM, **options: object) -> bytes:
    """Return the image as a file in one of Pillow's formats."""
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, form, **options)
    return buffer.getvalue()


def radiograph(
    name: str, label: int, patient: str | None, pixels: str | None = None, part: str | None = "train"
) -> Radiograph:
    """Return a standardised image that exists on no disk."""
    return Radiograph(
        Path(f"/source/{name}"), label, part, name, "", patient, pixels or f"pixels of {name}", 900, STORED
    )


def run(source: Path | str, *options: str) -> int:
    """Prepare a source in small batches; return the exit code."""
    return prepare.main(["--source", str(source), "--batch-size", "8", "--augment", "1", *options])


def s3() -> Any:
    """Return a client of the account that the environment points at."""
    return client_of(os.environ["AWS_ENDPOINT_URL"])


@functools.cache
def client_of(endpoint: str) -> Any:
    """Return the client, which is slow to make."""
    keys = {"aws_access_key_id": ACCESS_KEY_ID, "aws_secret_access_key": SECRET_ACCESS_KEY}
    return boto3.client("s3", endpoint_url=endpoint, region_name=REGION, **keys)


def etags(bucket: str = "images", prefix: str = "") -> dict[str, str]:
    """Return the ETag of every object, which is the hash of its content."""
    pages = s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", [])}


def empty(bucket: str = "images") -> None:
    """Delete every object of a bucket."""
    if keys := [{"Key": key} for key in etags(bucket)]:
        s3().delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


class Stored(Mapping[str, bytes]):
    """Objects below a prefix by the rest of their keys; each is read when its content is needed."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.names = [key.removeprefix(prefix) for key in etags(prefix=prefix)]

    def __getitem__(self, name: str) -> bytes:
        if name not in self.names:
            raise KeyError(name)
        return bytes(s3().get_object(Bucket="images", Key=self.prefix + name)["Body"].read())

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def contents() -> tuple[str, Stored, dict[str, Any]]:
    """Return the version's prefix, its objects below the prefix, and dataset.json."""
    latest = json.loads(Stored()["datasets/latest.json"])
    prefix = f"datasets/{latest['name']}/{latest['version']}/"
    assert all(key.startswith(prefix) for key in etags() if key != "datasets/latest.json")
    inside = Stored(prefix)
    return prefix, inside, json.loads(inside["dataset.json"])
