"""The baseline: a logistic regression on 28 x 28 pixels, which show brightness and outline but no lung texture.

A network that is not clearly better has learnt the look of the whole image, not findings in the chest.
"""

import json
from collections.abc import Sequence
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


def baseline(splits: Splits, folder: Path) -> bytes:
    """Fit on the training images without copies; return baseline.json: the probability of pneumonia by file.

    Files are named as in dataset.json. Those of validation and test are scored.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, solver="newton-cholesky", max_iter=200))
    train = splits["train"]
    model.fit(thumbnails(train, folder), [image.label for image in train])
    scores = {}
    for split in ("validation", "test"):
        probabilities = model.predict_proba(thumbnails(splits[split], folder))[:, 1]
        for image, score in zip(splits[split], probabilities, strict=True):
            scores[f"{split}/{path_of(image)}"] = round(float(score), DIGITS)
    return json.dumps({"method": METHOD, "scores": scores}, indent=1, sort_keys=True).encode()


def thumbnails(images: Sequence[Radiograph], folder: Path) -> NDArray[np.float64]:
    """Return the images' grey values at 28 x 28 pixels, shape (n, 784), 0 to 255."""
    pixels = np.empty((len(images), SIDE * SIDE))
    for row, image in zip(pixels, images, strict=True):
        with Image.open(folder / CLASSES[image.label] / image.name) as picture:
            picture.draft("L", (2 * SIDE, 2 * SIDE))
            row[:] = np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)).ravel()
    return pixels
