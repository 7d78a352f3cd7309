"""How far probabilities come true: bins of equal numbers of images, calibration error and Brier score."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.scored_split import ScoredSplit
from ml.evaluation.statistics import Estimate, Labels, Scores, bootstrap, clusters, midranks, proportion, resampled_unit

BINS = 10
LEAST = 10
"""Images a bin, at least; fewer than BINS x LEAST images make fewer bins."""
DRAWS = 2000


def brier(labels: Labels, scores: Scores) -> float:
    """Return the mean squared difference between probability and outcome (Brier, 1950)."""
    return float(((scores - labels) ** 2).mean())


def bin_of(scores: Scores) -> NDArray[np.int64]:
    """Return the bin of each probability: bins of equal numbers of images, equal probabilities in one bin."""
    bins = max(1, min(BINS, len(scores) // LEAST))
    places = np.floor((midranks(scores) - 0.5) / len(scores) * bins).astype(np.int64)
    return np.asarray(np.unique(places, return_inverse=True)[1], dtype=np.int64)


def reliability(labels: Labels, scores: Scores) -> list[dict[str, float]]:
    """Return each bin's mean probability, fraction of pneumonia with its Wilson interval, and number of images."""
    place = bin_of(scores)
    found = []
    for number in range(int(place.max()) + 1):
        inside = place == number
        fraction = proportion(int(labels[inside].sum()), int(inside.sum()))
        found.append(
            {
                "probability": float(scores[inside].mean()),
                "fraction": fraction.value,
                "low": fraction.low,
                "high": fraction.high,
                "n": fraction.n,
            }
        )
    return found


def expected_calibration_error(labels: Labels, scores: Scores) -> float:
    """Return the expected calibration error over bins of equal numbers of images (Nguyen and O'Connor, 2015)."""
    return float(np.abs(np.bincount(bin_of(scores), scores - labels)).sum()) / len(labels)


@dataclass(frozen=True)
class CalibrationError:
    """An expected calibration error (ECE) beside the 95 % range that chance alone gives it.

    Binning makes an ECE positive even where every probability is right, so that an interval around it would not hold
    the true error, 0. A value within the range is no sign of wrong probabilities.
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
    """Return the ECE with its range over sets of labels drawn from the probabilities themselves.

    Images of one patient mostly share their label, and so they share the number that is drawn for it.
    """
    groups, (count, unit) = clusters(images.patients), resampled_unit(images.patients)
    order = np.argsort(images.scores, kind="stable")
    scores, groups = images.scores[order], groups[order]
    starts = np.unique(bin_of(scores), return_index=True)[1]
    rng = np.random.default_rng(seed)
    drawn = np.empty(draws)
    for index in range(draws):
        labels = rng.random(count)[groups] < scores
        drawn[index] = np.abs(np.add.reduceat(scores - labels, starts)).sum() / len(scores)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return CalibrationError(
        expected_calibration_error(images.labels, images.scores), float(low), float(high), count, unit
    )


@dataclass(frozen=True)
class Quality:
    """Brier score with its interval over resampled patients, and calibration error with its range by chance."""

    brier: Estimate
    error: CalibrationError


def quality(images: ScoredSplit, seed: int = 0) -> Quality:
    """Return the Brier score and the ECE of a split."""

    def quantities(chosen: NDArray[np.intp]) -> Mapping[str, float]:
        return {"Brier": brier(images.labels[chosen], images.scores[chosen])}

    return Quality(bootstrap(images.patients, quantities, seed=seed)["Brier"], calibration_error(images, seed))
