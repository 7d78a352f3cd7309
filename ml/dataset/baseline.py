"""The baseline: a logistic regression on 28 x 28 pixels, which show brightness and outline but no lung texture.

A network that is not clearly better has learnt the look of the whole image, not findings in the chest.
"""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.dataset.layout import path_of
from ml.dataset.radiographs import CLASSES, Radiograph
from ml.dataset.split import Splits

SIDE = 28
METHOD = "logistic regression on 28 x 28 pixels"
DIGITS = 4
"""Of its probabilities: few enough to be the same on every machine."""
FITTED = 20_000
"""Training images at most; each needs 27 KB of memory, and more do not change so small a model."""
SCORED = 1000
"""Images that are scored at once."""


def baseline(splits: Splits, folder: Path, seed: int) -> bytes:
    """Fit on training images without copies; return baseline.json: the probability of pneumonia by file.

    Files are named as in dataset.json. Those of validation and test are scored. `seed` chooses FITTED images of a
    larger training set.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = LogisticRegression(C=0.01, solver="newton-cholesky", max_iter=200)
    model = make_pipeline(StandardScaler(copy=False), regression)
    train: Sequence[Radiograph] = splits["train"]
    if len(train) > FITTED:
        train = random.Random(f"{seed}/baseline").sample(train, FITTED)  # noqa: S311 (a repeatable draw, not a secret)
    model.fit(thumbnails(train, folder), [image.label for image in train])
    scores = {}
    for split in ("validation", "test"):
        for images in batches(splits[split]):
            probabilities = model.predict_proba(thumbnails(images, folder))[:, 1]
            for image, score in zip(images, probabilities, strict=True):
                scores[f"{split}/{path_of(image)}"] = round(float(score), DIGITS)
    return json.dumps({"method": METHOD, "scores": scores}, indent=1, sort_keys=True).encode()


def batches(images: Sequence[Radiograph]) -> Iterator[Sequence[Radiograph]]:
    """Yield SCORED images at a time."""
    for start in range(0, len(images), SCORED):
        yield images[start : start + SCORED]


def thumbnails(images: Sequence[Radiograph], folder: Path) -> NDArray[np.float64]:
    """Return the images' grey values at 28 x 28 pixels, shape (n, 784), 0 to 255."""
    pixels = np.empty((len(images), SIDE * SIDE))
    for row, image in zip(pixels, images, strict=True):
        with Image.open(folder / CLASSES[image.label] / image.name) as picture:
            picture.draft("L", (2 * SIDE, 2 * SIDE))
            row[:] = np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)).ravel()
    return pixels
