"""What a data set holds, and the version that follows from it."""

import hashlib
import json
from typing import Any

from ml.dataset.groups import shared
from ml.dataset.radiographs import CLASSES, Collection
from ml.dataset.split import Splits
from ml.dataset.variants import RECIPE, STRESSED


def describe(
    name: str, splits: Splits, settings: dict[str, Any], training_samples: int, collection: Collection | None
) -> dict[str, Any]:
    """Return the contents of dataset.json: the same films, splits and settings give the same, whenever they are made.

    `shared` says what more than one split has; of patients nothing (None) where no film's patient is known.
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
            split: {label: sum(film.label == index for film in films) for index, label in enumerate(CLASSES)}
            for split, films in splits.items()
        },
        "shared": {
            "patients": found.patients if found.known else None,
            "pictures": found.pictures,
            "known": found.known,
            "films": found.films,
        },
        **count_patients(splits),
        "films": [
            {
                "file": f"{split}/{CLASSES[film.label]}/{film.name}",
                "label": film.label,
                "kind": film.kind,
                "patient": film.patient,
                "pixels": film.pixels,
            }
            for split, films in {**splits, STRESSED: splits["validation"]}.items()
            for film in films
        ],
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return content | {"version": digest[:12]}


def count_patients(splits: Splits) -> dict[str, dict[str, int]]:
    """Return by split the number of patients that are known, and the number of films whose patient is unknown."""
    return {
        "patients": {split: len({film.patient for film in films} - {None}) for split, films in splits.items()},
        "unknown_patients": {split: sum(film.patient is None for film in films) for split, films in splits.items()},
    }
