"""The encoding audit: how well one number of a file separates the classes, without a look at the image.

A label AUC of 0.5 means that the number says nothing about the label, 1.0 that it determines it. Directions are folded
(an AUC of 0.2 counts as 0.8), because a model can use either.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from ml.dataset.radiographs import Radiograph
from ml.evaluation.auroc import auroc
from ml.evaluation.statistics import IntervalEstimate

WARN_AT = 0.75
"""A lower bound from here on makes a number a shortcut."""

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
"""Size and table are the same for every standardised image; the file size still depends on the picture."""


def audit(images: Sequence[Radiograph]) -> dict[str, dict[str, Any]]:
    """Return, before and after standardisation, the label AUC of each number with its 95 % interval over patients."""
    return {
        "before": {name: separation(images, number) for name, number in BEFORE.items()},
        "after": {name: separation(images, number) for name, number in AFTER.items()},
    }


def separation(images: Sequence[Radiograph], number: Callable[[Radiograph], float]) -> dict[str, Any]:
    """Return the folded label AUC of a number."""
    labels = np.array([image.label for image in images], dtype=np.int64)
    values = np.array([number(image) for image in images], dtype=np.float64)
    if len(np.unique(values)) == 1:
        return asdict(IntervalEstimate(0.5, 0.5, 0.5, len(images)))
    patients = [image.patient for image in images]
    area = auroc(labels, values, patients)
    if area.value < 0.5:
        area = auroc(labels, -values, patients)
    return asdict(replace(area, n=len(images), unit="images"))


def verdict(areas: dict[str, dict[str, Any]]) -> list[str]:
    """Return the audit in sentences."""
    before = {name: area for name, area in areas["before"].items() if area["low"] >= WARN_AT}
    after = [name for name, area in areas["after"].items() if area["low"] >= WARN_AT]
    sentences = ["No single number of the source files separates the classes well."]
    if before:
        worst = max(before, key=lambda name: float(before[name]["value"]))
        sentences = [
            f"The source files give the label away: {worst} alone has a label AUC of {before[worst]['value']:.3f}. "
            "A model can learn that from unchanged files instead of the disease."
        ]
    if after:
        sentences.append(
            f"After standardisation, the classes still differ in {' and '.join(after)}. Their images differ in "
            "the amount of detail, which a network can see."
        )
    sentences.append(
        "Standardising gives every image one size, one encoding and no metadata. It does not remove traces of earlier "
        "compression, scanners and resizing from the pixels: sharpness, grain and block edges stay. Judge a model on "
        "perturbed validation and on images from elsewhere, not on clean validation alone."
    )
    return sentences
