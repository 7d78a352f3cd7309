"""What a data set holds, and the version that follows from it."""

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
    """Return the contents of dataset.json: the same images, splits and settings give the same, whenever they are made.

    `shared` says what more than one split has; of patients nothing (None) where no image's patient is known.
    `version` is the first 12 hexadecimal digits of the SHA-256 of the rest. No path of the source is in it.
    """
    found = shared(splits.values())
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
            "patients": found.patients if found.known else None,
            "pictures": found.pictures,
            "known": found.known,
            "images": found.images,
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
    """Return by split the number of patients that are known, and the number of images whose patient is unknown."""
    return {
        "patients": {split: len({image.patient for image in images} - {None}) for split, images in splits.items()},
        "unknown_patients": {split: sum(image.patient is None for image in images) for split, images in splits.items()},
    }
