"""The quantities that are compared of each image: the model's probability, and statistics of its grey values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.dataset.standardising import read
from ml.evaluation.calibration import LogitCalibration
from ml.evaluation.statistics import Scores
from radiograph import SIDE, ResizeMode, encode

PROBABILITY = "probability"
MEASURED = ("mean grey", "contrast", "sharpness", "saturation")
DARKEST, BRIGHTEST = 2, 253
"""Grey levels at which a pixel counts as saturated: JPEG moves the black of a border by up to two levels."""
DIGITS = 4
"""Of compared probabilities: the same image's differ in the seventh digit from machine to machine."""
CELLS = 7
"""Rows and columns of the API's finest heat map. Each cell of a coarser one, at least 3 x 3, contains one of these."""
FLATNESS, NEARNESS = 1.0, 255 / 9


@dataclass(frozen=True)
class Sample:
    """n images.

    Attributes:
        values: each quantity by name, shape (n,).
        positive: which images are called pneumonia, shape (n,).
        patients: key of each image's patient; None where it is unknown.
    """

    values: Mapping[str, Scores]
    positive: NDArray[np.bool_]
    patients: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.patients)

    def one_image_a_patient(self, seed: int) -> "Sample":
        """Return one randomly chosen image of each known patient, and every image of unknown patients."""
        chosen: dict[str | int, int] = {}
        for row in np.random.default_rng(seed).permutation(len(self)).tolist():
            patient = self.patients[row]
            chosen.setdefault(row if patient is None else patient, row)
        rows = sorted(chosen.values())
        return Sample(
            {name: values[rows] for name, values in self.values.items()},
            self.positive[rows],
            [self.patients[row] for row in rows],
        )


def sample(
    scores: Sequence[float],
    measures: Sequence[tuple[float, ...]],
    entry: Mapping[str, Any],
    patients: Sequence[str | None] | None = None,
) -> Sample:
    """Return the sample of n images.

    Args:
        scores: the model's own probability of pneumonia of each image; calibrated here.
        measures: of each image, as `measure` returns them.
        entry: the model's entry in cdk.context.json.
        patients: key of each image's patient, None where it is unknown; leave it out if all are unknown.
    """
    probabilities = LogitCalibration.of(**entry["calibration"]).apply(np.array(scores, dtype=np.float64))
    columns = np.array(measures, dtype=np.float64).reshape(-1, len(MEASURED)).T
    values = {PROBABILITY: np.round(probabilities, DIGITS), **dict(zip(MEASURED, columns, strict=True))}
    return Sample(values, probabilities >= entry["threshold"], patients or [None] * len(scores))


def pixels(data: bytes, resize_mode: ResizeMode) -> NDArray[np.float64]:
    """Return an image as the network receives it, shape (224, 224), 0 black to 255 white.

    Every image is standardised and encoded here, whether it was before or not: doing it twice changes the measures by
    less than 0.2 %.

    Raises:
        ImageError: the file is not a usable radiograph.
    """
    return np.asarray(read(encode(read(data, resize_mode)), resize_mode), dtype=np.float64)


def measure(grey: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the quantities named in MEASURED of an image from `pixels`.

    Mean and standard deviation in grey levels (0 to 255); the mean absolute Laplacian of four neighbours, in grey
    levels, which falls when an image is blurred (Pech-Pacheco et al., ICPR 2000, use its variance); the fraction of
    saturated pixels, 0 to 1.
    """
    centre = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * centre
    saturated = (grey <= DARKEST) | (grey >= BRIGHTEST)
    return float(grey.mean()), float(grey.std()), float(np.abs(laplacian).mean()), float(saturated.mean())


def covered(grey: NDArray[np.float64]) -> bool:
    """Return whether the API's heat map has covered a cell of this image.

    Such a cell has one grey level: the mean of the original image. A covered ninth changes the mean by at most 255 / 9.
    """
    side = SIDE // CELLS
    cells = grey.reshape(CELLS, side, CELLS, side)
    flat = cells.max(axis=(1, 3)) - cells.min(axis=(1, 3)) <= FLATNESS
    near = np.abs(cells.mean(axis=(1, 3)) - grey.mean()) <= NEARNESS
    return bool((flat & near).any())
