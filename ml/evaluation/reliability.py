"""Brier score, expected calibration error and reliability curve."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.scored_split import ScoredSplit
from ml.evaluation.statistics import (
    IntervalEstimate,
    Labels,
    Scores,
    Times,
    blocks,
    bootstrap,
    clusters,
    midranks,
    proportion,
    resampled_unit,
)

BINS = 10
BIN_IMAGES = 10
"""Minimum number of images in a bin; fewer than BINS x BIN_IMAGES images give fewer bins."""
DRAWS = 2000


def brier(labels: Labels, scores: Scores, times: Times) -> Scores:
    """Return the mean squared difference between probability and outcome (Brier, 1950)."""
    return np.asarray((times @ (scores - labels) ** 2) / times.sum(-1))


def bin_of(scores: Scores) -> NDArray[np.int64]:
    """Return the bin of each probability. Bins hold equal numbers of images; equal probabilities share a bin."""
    bins = max(1, min(BINS, len(scores) // BIN_IMAGES))
    numbers = np.floor((midranks(scores) - 0.5) / len(scores) * bins).astype(np.int64)
    return np.asarray(np.unique(numbers, return_inverse=True)[1], dtype=np.int64)


def reliability(labels: Labels, scores: Scores) -> list[dict[str, float]]:
    """Return each bin's mean probability, fraction of pneumonia with its Wilson interval, and number of images."""
    bins = bin_of(scores)
    points = []
    for number in range(int(bins.max()) + 1):
        inside = bins == number
        fraction = proportion(int(labels[inside].sum()), int(inside.sum()))
        points.append(
            {
                "probability": float(scores[inside].mean()),
                "fraction": fraction.value,
                "low": fraction.low,
                "high": fraction.high,
                "n": fraction.n,
            }
        )
    return points


def expected_calibration_error(labels: Labels, scores: Scores) -> float:
    """Return the expected calibration error over bins of equal numbers of images (Nguyen and O'Connor, 2015)."""
    return float(np.abs(np.bincount(bin_of(scores), scores - labels)).sum()) / len(labels)


@dataclass(frozen=True)
class CalibrationError:
    """An expected calibration error (ECE), with the 95 % range it has by chance if every probability is right.

    Binning makes an ECE positive even if every probability is right. An interval around it would not contain the true
    error, 0. A value within the range is no evidence of wrong probabilities.
    """

    value: float
    chance_low: float
    chance_high: float
    n: int
    unit: str

    def __str__(self) -> str:
        return (
            f"{self.value:.3f}; chance alone gives {self.chance_low:.3f} to {self.chance_high:.3f} "
            f"(n = {self.n} {self.unit})"
        )


def calibration_error(images: ScoredSplit, seed: int = 0, draws: int = DRAWS) -> CalibrationError:
    """Return the ECE with its range over labels drawn from the probabilities themselves.

    Images of one patient mostly share their label. Therefore they share the random number that decides it.
    """
    groups, (count, unit) = clusters(images.patients), resampled_unit(images.patients)
    order = np.argsort(images.scores, kind="stable")
    scores, groups = images.scores[order], groups[order]
    starts = np.unique(bin_of(scores), return_index=True)[1]
    rng = np.random.default_rng(seed)
    errors = []
    for rows in blocks(draws, len(scores)):
        labels = rng.random((rows, count))[:, groups] < scores
        errors.append(np.abs(np.add.reduceat(scores - labels, starts, axis=1)).sum(1) / len(scores))
    low, high = np.quantile(np.concatenate(errors), [0.025, 0.975])
    return CalibrationError(
        expected_calibration_error(images.labels, images.scores), float(low), float(high), count, unit
    )


@dataclass(frozen=True)
class Quality:
    """Brier score with its interval over resampled patients, and calibration error with its range by chance."""

    brier: IntervalEstimate
    calibration_error: CalibrationError


def quality(images: ScoredSplit, seed: int = 0) -> Quality:
    """Return the Brier score and the ECE of a split."""

    def quantities(times: Times) -> Mapping[str, Scores]:
        return {"Brier": brier(images.labels, images.scores, times)}

    return Quality(bootstrap(images.patients, quantities, seed=seed)["Brier"], calibration_error(images, seed))
