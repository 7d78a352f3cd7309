"""The encoding audit: how well the label can be told from one number of the file, without looking at the image.

An AUC of 0.5 says that the number tells nothing, 1.0 that it gives the label away. Directions are folded (an AUC of
0.2 counts as 0.8), because a model would use either.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ml.dataset.radiographs import Radiograph
from ml.evaluation.auroc import auroc

WARN_AT = 0.75
"""Lower end of the interval from which a number is called a shortcut."""

BEFORE: dict[str, Callable[[Radiograph], float]] = {
    "JPEG quantisation table (sum)": lambda image: image.encoding.quantisation,
    "bytes per pixel": lambda image: image.encoding.size / (image.encoding.width * image.encoding.height),
    "file size": lambda image: image.encoding.size,
    "width": lambda image: image.encoding.width,
    "height": lambda image: image.encoding.height,
    "aspect ratio": lambda image: image.encoding.width / image.encoding.height,
    "stored in colour": lambda image: image.encoding.mode not in ("L", "1", "I", "I;16", "DICOM"),
}
AFTER: dict[str, Callable[[Radiograph], float]] = {
    "JPEG quantisation table (sum)": lambda image: 0.0,
    "file size": lambda image: image.stored,
    "width": lambda image: 224,
    "height": lambda image: 224,
}
"""Size and table are the same for every standardised image; the file size still follows what the picture shows."""


def audit(images: Sequence[Radiograph]) -> dict[str, dict[str, Any]]:
    """Return, before and after standardisation, the label AUC of each number with its 95 % interval over patients."""
    return {
        "before": {name: separation(images, number) for name, number in BEFORE.items()},
        "after": {name: separation(images, number) for name, number in AFTER.items()},
    }


def separation(images: Sequence[Radiograph], number: Callable[[Radiograph], float]) -> dict[str, Any]:
    """Return the folded label AUC of one number."""
    labels = np.array([image.label for image in images], dtype=np.int64)
    values = np.array([number(image) for image in images], dtype=np.float64)
    if len(np.unique(values)) == 1:
        return {"value": 0.5, "low": 0.5, "high": 0.5, "n": len(images)}
    patients = [image.patient for image in images]
    found = auroc(labels, values, patients)
    if found.value < 0.5:
        found = auroc(labels, -values, patients)
    return asdict(found) | {"n": len(images), "unit": "images"}


def verdict(found: dict[str, dict[str, Any]]) -> list[str]:
    """Return the audit in plain words."""
    before = {name: one for name, one in found["before"].items() if one["low"] >= WARN_AT}
    after = {name: one for name, one in found["after"].items() if one["low"] >= WARN_AT}
    words = []
    if before:
        worst = max(before, key=lambda name: float(before[name]["value"]))
        words.append(
            f"The source gives the label away without its images: {worst} alone has a label AUC of "
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
        "Standardising gives every image one size, one encoding and no metadata. It does not remove what earlier "
        "compression, scanners and resizing left in the pixels: sharpness, grain and block edges stay. Judge a model "
        "on the perturbed validation set and on images from elsewhere before believing the clean one."
    )
    return words
