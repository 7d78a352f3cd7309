"""The baseline: a logistic regression on 28 x 28 pixels, which sees brightness and outline and no lung.

A network that does not clearly beat it has learnt what an image looks like as a whole, not what is in the chest.
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
"""Of its probabilities: few enough to be the same on every machine, as a data set's files should be."""


def baseline(splits: Splits, folder: Path) -> bytes:
    """Fit on the training images, each once, and return baseline.json: its probability of pneumonia by file.

    Files are named as in dataset.json; those of validation and test are scored.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, solver="newton-cholesky", max_iter=200))
    train = splits["train"]
    model.fit(thumbnails(train, folder), [image.label for image in train])
    scores = {}
    for split in ("validation", "test"):
        found = model.predict_proba(thumbnails(splits[split], folder))[:, 1]
        for image, score in zip(splits[split], found, strict=True):
            scores[f"{split}/{path_of(image)}"] = round(float(score), DIGITS)
    return json.dumps({"method": METHOD, "scores": scores}, indent=1, sort_keys=True).encode()


def thumbnails(images: Sequence[Radiograph], folder: Path) -> NDArray[np.float64]:
    """Return the images' grey values at 28 x 28 pixels, shape (n, 784), 0 to 255."""
    found = np.empty((len(images), SIDE * SIDE))
    for row, image in zip(found, images, strict=True):
        with Image.open(folder / CLASSES[image.label] / image.name) as picture:
            picture.draft("L", (2 * SIDE, 2 * SIDE))
            row[:] = np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)).ravel()
    return found
