"""The contents of dataset.json, and the version that follows from them."""

import hashlib
import json
from typing import Any

from ml.dataset.groups import shared
from ml.dataset.radiographs import CLASSES, Collection
from ml.dataset.split import Splits
from ml.dataset.variants import PERTURBED, RECIPE


def describe(
    name: str, splits: Splits, settings: dict[str, Any], training_samples: int, collection: Collection | None
) -> dict[str, Any]:
    """Return the contents of dataset.json: the same images, splits and settings always give the same.

    `shared` counts what occurs in more than one split; its patients are None if no patient is known. `version` is the
    first 12 hexadecimal digits of the SHA-256 of the rest. It contains no path of the source.
    """
    overlap = shared(splits.values())
    content: dict[str, Any] = {
        "name": name,
        "collection": collection,
        "classes": list(CLASSES),
        "settings": settings | {"recipe": RECIPE},
        "training_samples": training_samples,
        "counts": {
            split: {label: sum(image.label == index for image in images) for index, label in enumerate(CLASSES)}
            for split, images in splits.items()
        },
        "shared": {
            "patients": overlap.patients if overlap.known else None,
            "pictures": overlap.pictures,
            "known": overlap.known,
            "images": overlap.images,
        },
        **count_patients(splits),
        "images": [
            {
                "file": f"{split}/{CLASSES[image.label]}/{image.name}",
                "label": image.label,
                "subtype": image.subtype,
                "patient": image.patient,
                "pixels": image.pixels,
            }
            for split, images in {**splits, PERTURBED: splits["validation"]}.items()
            for image in images
        ],
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return content | {"version": digest[:12]}


def count_patients(splits: Splits) -> dict[str, dict[str, int]]:
    """Return the number of known patients, and of images of unknown patients, by split."""
    return {
        "patients": {split: len({image.patient for image in images} - {None}) for split, images in splits.items()},
        "unknown_patients": {split: sum(image.patient is None for image in images) for split, images in splits.items()},
    }
