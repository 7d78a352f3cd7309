"""The encoding audit: how well the label can be told from one number of the file, without looking at the film.

An AUC of 0.5 says that the number tells nothing, 1.0 that it gives the label away. Directions are folded (an AUC of
0.2 counts as 0.8), because a model would use either.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ml.dataset.radiographs import Film
from ml.evaluation.auroc import auroc

WARN_AT = 0.75
"""Lower end of the interval from which a number is called a shortcut."""

BEFORE: dict[str, Callable[[Film], float]] = {
    "JPEG quantisation table (sum)": lambda film: film.encoding.quantisation,
    "bytes per pixel": lambda film: film.encoding.size / (film.encoding.width * film.encoding.height),
    "file size": lambda film: film.encoding.size,
    "width": lambda film: film.encoding.width,
    "height": lambda film: film.encoding.height,
    "aspect ratio": lambda film: film.encoding.width / film.encoding.height,
    "stored in colour": lambda film: film.encoding.mode not in ("L", "1", "I", "I;16", "DICOM"),
}
AFTER: dict[str, Callable[[Film], float]] = {
    "JPEG quantisation table (sum)": lambda film: 0.0,
    "file size": lambda film: film.stored,
    "width": lambda film: 224,
    "height": lambda film: 224,
}
"""Size and table are the same for every standardised film; the file size still follows what the picture shows."""


def audit(films: Sequence[Film]) -> dict[str, dict[str, Any]]:
    """Return, before and after standardisation, the label AUC of each number with its 95 % interval over patients."""
    return {
        "before": {name: separation(films, number) for name, number in BEFORE.items()},
        "after": {name: separation(films, number) for name, number in AFTER.items()},
    }


def separation(films: Sequence[Film], number: Callable[[Film], float]) -> dict[str, Any]:
    """Return the folded label AUC of one number."""
    labels = np.array([film.label for film in films], dtype=np.int64)
    values = np.array([number(film) for film in films], dtype=np.float64)
    if len(np.unique(values)) == 1:
        return {"value": 0.5, "low": 0.5, "high": 0.5, "n": len(films)}
    patients = [film.patient for film in films]
    found = auroc(labels, values, patients)
    if found.value < 0.5:
        found = auroc(labels, -values, patients)
    return asdict(found) | {"n": len(films), "unit": "films"}


def verdict(found: dict[str, dict[str, Any]]) -> list[str]:
    """Return the audit in plain words."""
    before = {name: one for name, one in found["before"].items() if one["low"] >= WARN_AT}
    after = {name: one for name, one in found["after"].items() if one["low"] >= WARN_AT}
    words = []
    if before:
        worst = max(before, key=lambda name: float(before[name]["value"]))
        words.append(
            f"The source gives the label away without its films: {worst} alone has a label AUC of "
            f"{before[worst]['value']:.3f}. A model that sees the files as they are may learn that."
        )
    else:
        words.append("No single number of the source's files tells the classes apart well.")
    if after:
        words.append(
            f"After standardisation {' and '.join(after)} still goes with the label: the classes differ in how much "
            "detail their pictures hold, which compression shows and a network can see."
        )
    words.append(
        "Standardising gives every film one size, one encoding and no metadata. It does not remove what earlier "
        "compression, scanners and resizing left in the pixels: sharpness, grain and block edges stay. Judge a model "
        "on the stressed validation set and on films from elsewhere before believing the clean one."
    )
    return words
