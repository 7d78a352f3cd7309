"""Files, images and prepared data sets for tests of the preparation."""

import io
import json
from pathlib import Path
from typing import Any

import boto3
from PIL import Image

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
    return prepare.main(["--source", str(source), "--batch-size", "8", "--augment", "2", *options])


def objects() -> dict[str, bytes]:
    """Return every object of the bucket."""
    bucket = boto3.Session().resource("s3").Bucket("images")
    return {item.key: item.get()["Body"].read() for item in bucket.objects.all()}


def contents() -> tuple[str, dict[str, bytes], dict[str, Any]]:
    """Return the version's prefix, its objects below the prefix, and dataset.json."""
    everything = objects()
    latest = json.loads(everything.pop("datasets/latest.json"))
    prefix = f"datasets/{latest['name']}/{latest['version']}/"
    assert all(key.startswith(prefix) for key in everything)
    inside = {key.removeprefix(prefix): body for key, body in everything.items()}
    return prefix, inside, json.loads(inside["dataset.json"])
