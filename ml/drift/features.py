"""What is compared of an image: the model's probability, and simple statistics of the picture the network gets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.dataset.standardising import read
from ml.evaluation.calibration import Calibration
from ml.evaluation.statistics import Scores
from radiograph import SIDE, ResizeMode, encode

PROBABILITY = "probability"
MEASURED = ("mean grey", "contrast", "sharpness", "saturation")
DARKEST, BRIGHTEST = 2, 253
"""Grey levels from which on a pixel counts as saturated: JPEG moves the black of a border by up to two levels."""
DIGITS = 4
"""To which probabilities are compared: the same image's differ in the seventh with the machine that computes them."""
CELLS = 7
"""Rows and columns of the grid of which the API's heat map covers one cell a request."""
FLATNESS, NEARNESS = 1.0, 6.0


@dataclass(frozen=True)
class Sample:
    """n images: each quantity by its name, shape (n,), and how many are called pneumonia."""

    values: Mapping[str, Scores]
    positives: int

    def __len__(self) -> int:
        return len(self.values[PROBABILITY])


def sample(scores: Sequence[float], measures: Sequence[tuple[float, ...]], entry: Mapping[str, Any]) -> Sample:
    """Put images together.

    Args:
        scores: the model's own probability of pneumonia of each image; calibrated here.
        measures: of each image, as `measure` returns them.
        entry: what cdk.context.json says of the model.
    """
    probabilities = Calibration.of(**entry["calibration"]).apply(np.array(scores, dtype=np.float64))
    columns = np.array(measures, dtype=np.float64).reshape(-1, len(MEASURED)).T
    values = {PROBABILITY: np.round(probabilities, DIGITS), **dict(zip(MEASURED, columns, strict=True))}
    return Sample(values, int((probabilities >= entry["threshold"]).sum()))


def pixels(data: bytes, resize_mode: ResizeMode) -> NDArray[np.float64]:
    """Return an image as the network gets it, shape (224, 224), 0 black to 255 white.

    Every image is standardised and encoded here, so that one that was already and one that was not are alike: doing it
    twice changes the measures by less than 0.2 %.

    Raises:
        ImageError: the file is not a usable radiograph.
    """
    return np.asarray(read(encode(read(data, resize_mode)), resize_mode), dtype=np.float64)


def measure(grey: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the quantities named in MEASURED of an image, as `pixels` returns it.

    Mean and standard deviation in grey levels (0 to 255); the mean absolute Laplacian of four neighbours, in grey
    levels, which falls when an image is blurred (after Pech-Pacheco et al., ICPR 2000, who take its variance); the
    fraction of saturated pixels, 0 to 1.
    """
    centre = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * centre
    saturated = (grey <= DARKEST) | (grey >= BRIGHTEST)
    return float(grey.mean()), float(grey.std()), float(np.abs(laplacian).mean()), float(saturated.mean())


def covered(grey: NDArray[np.float64]) -> bool:
    """Return whether this is an image of which the API's heat map has covered a cell.

    Such a cell has one grey level, the mean of the image before, from which the mean has moved by at most 255 / 49.
    """
    side = SIDE // CELLS
    cells = grey.reshape(CELLS, side, CELLS, side)
    flat = cells.max(axis=(1, 3)) - cells.min(axis=(1, 3)) <= FLATNESS
    near = np.abs(cells.mean(axis=(1, 3)) - grey.mean()) <= NEARNESS
    return bool((flat & near).any())
