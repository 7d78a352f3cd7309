"""The project's channels in a folder, as `ml.prepare` uploads them to S3."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.dataset import baseline, formats, groups, layout, sources, split, standardising, variants, version
from radiograph import phantom

SETTINGS: dict[str, Any] = {"seed": 0, "validation_fraction": 0.125, "test_fraction": 0.2, "batch_size": 32}
PHANTOMS = 320
"""Enough for a validation set of a whole batch."""


def draw(folder: Path) -> str:
    """Draw synthetic radiographs into a folder and return it as a source."""
    phantom.write_dataset(folder, PHANTOMS, 0, lambda done, total: None)
    return str(folder)


def write(source: str, folder: Path) -> dict[str, Any]:
    """Write the channels of a source in both formats, without augmented copies; return the content of dataset.json."""
    description, standardised = folder / "dataset.json", folder / "standardised"
    if description.exists():
        return dict(json.loads(description.read_bytes()))
    offer = sources.open_source(source, folder, SETTINGS["seed"])
    images, _ = standardising.standardise_all(offer.images, standardised)
    splits = split.split(
        groups.group(images)[0],
        SETTINGS["validation_fraction"],
        SETTINGS["test_fraction"],
        SETTINGS["batch_size"],
        SETTINGS["seed"],
    )
    variants.perturbed(splits["validation"], standardised)
    channels = layout.lay_out(splits, 0, False, SETTINGS["seed"], standardised)
    contents = channels.texts | {key: path.read_bytes() for key, path in channels.files.items()}
    contents["baseline.json"] = baseline.baseline(splits, standardised, SETTINGS["seed"])
    for key, content in contents.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(content)
    formats.add_records(channels, folder / "recordio")
    content = version.describe("conformance", splits, SETTINGS, channels.training_samples, offer.collection)
    description.write_text(json.dumps(content))
    return content


def pixels(image: Path | bytes) -> NDArray[np.uint8]:
    """Return an image as Pillow decodes it, as RGB of shape (224, 224, 3)."""
    with Image.open(BytesIO(image) if isinstance(image, bytes) else image) as picture:
        return np.asarray(picture.convert("RGB"))


def listed(folder: Path, channel: str = "train") -> list[tuple[int, Path]]:
    """Return label and file of each line of a channel's list."""
    lines = (folder / f"{channel}_lst" / f"{channel}.lst").read_text().splitlines()
    fields = [line.split("\t") for line in lines]
    return [(int(label), folder / channel / path) for _, label, path in fields]


def split_images(content: dict[str, Any], split_name: str) -> list[dict[str, Any]]:
    """Return the images of a split as listed in dataset.json."""
    return [image for image in content["images"] if image["file"].startswith(f"{split_name}/")]


def stack(folder: Path, images: list[dict[str, Any]], output: Path) -> Path:
    """Write the pixels of images to an .npz file and return it."""
    np.savez(output, images=np.stack([pixels(folder / image["file"]) for image in images]))
    return output
