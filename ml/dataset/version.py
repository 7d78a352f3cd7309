"""What a data set holds, and the version that follows from it."""

import hashlib
import json
from typing import Any

from ml.dataset.film import CLASSES
from ml.dataset.groups import overlaps
from ml.dataset.split import Splits
from ml.dataset.variants import RECIPE, STRESSED


def describe(name: str, splits: Splits, settings: dict[str, Any], training_samples: int) -> dict[str, Any]:
    """Return the contents of dataset.json: the same films, splits and settings give the same, whenever they are made.

    `version` is the first 12 hexadecimal digits of the SHA-256 of the rest. No path of the source is in it.
    """
    content: dict[str, Any] = {
        "name": name,
        "classes": list(CLASSES),
        "settings": settings | {"recipe": RECIPE},
        "training_samples": training_samples,
        "counts": {
            split: {label: sum(film.label == index for film in films) for index, label in enumerate(CLASSES)}
            for split, films in splits.items()
        },
        "shared": dict(zip(("patients", "pictures"), overlaps(splits.values()), strict=True)),
        "patients": {split: len({film.patient for film in films}) for split, films in splits.items()},
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
