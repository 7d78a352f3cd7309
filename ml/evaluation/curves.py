"""The curves of the report's charts as numbers, which metrics.json holds for other pages."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import statistics
from ml.evaluation.reliability import reliability
from ml.evaluation.scored_split import ScoredSplit
from ml.evaluation.statistics import Labels, Scores, Times

GRID = np.linspace(0, 1, 101)
EDGES = np.linspace(0, 1, 41)
DRAWS = 500
MAX_POINTS = 512
"""Of a ROC curve; keeps metrics.json small for a large test set."""
DIGITS = 6


def curves(splits: Mapping[str, ScoredSplit], threshold: float, baseline: Scores) -> dict[str, Any]:
    """Return the curves of metrics.json, all plain numbers.

    Args:
        splits: calibrated scores of validation, validation_perturbed and test, each with images of both classes.
        baseline: the baseline's probabilities of the test images, shape (n,).
    """
    test = splits["test"]
    return {
        "roc": roc(test, threshold, baseline),
        "reliability": {
            name: [
                {key: rounded(value) for key, value in point.items()}
                for point in reliability(images.labels, images.scores)
            ]
            for name, images in splits.items()
        },
        "histogram": histogram(test),
    }


def roc(test: ScoredSplit, threshold: float, baseline: Scores) -> dict[str, Any]:
    """Return the ROC curve with its 95 % band over resampled patients, the operating point, and the baseline's curve.

    A point is (1 - specificity, sensitivity); both curves begin at (0, 0), end at (1, 1) and rise in steps.
    """
    low, high = band(test)
    counts = statistics.confusion(test.labels, test.scores, threshold)
    return {
        "points": points(test.labels, test.scores),
        "band": {"false_positive_rate": numbers(GRID), "low": numbers(low), "high": numbers(high)},
        "operating_point": [rounded(1 - counts.specificity().value), rounded(counts.sensitivity().value)],
        "baseline": points(test.labels, baseline),
        "n": len(test),
    }


def histogram(test: ScoredSplit) -> dict[str, Any]:
    """Return the number of images of each class between two edges of probability."""
    counts = {
        name: [int(count) for count in np.histogram(test.scores[test.labels == label], EDGES)[0]]
        for label, name in enumerate(("NORMAL", "PNEUMONIA"))
    }
    return {"edges": numbers(EDGES), **counts}


def band(test: ScoredSplit, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 2.5 and 97.5 % points of sensitivity at each 1 - specificity of GRID, over resampled patients."""

    def quantities(times: Times) -> dict[str, Scores]:
        across, up = roc_points(test.labels, test.scores, times)
        last = [np.searchsorted(rates, GRID, side="right") - 1 for rates in across]
        return dict(zip(map(str, range(len(GRID))), np.take_along_axis(up, np.array(last), 1).T, strict=True))

    estimates = statistics.bootstrap(test.patients, quantities, DRAWS, seed)
    low, high = zip(*((estimate.low, estimate.high) for estimate in estimates.values()), strict=True)
    return np.array(low), np.array(high)


def roc_points(labels: Labels, scores: Scores, times: Times | None = None) -> tuple[Scores, Scores]:
    """Return 1 - specificity and sensitivity at every distinct score, from (0, 0) to (1, 1)."""
    across, up = (
        np.insert(tally / np.maximum(tally[..., -1:], 1), 0, 0, axis=-1)
        for tally in reversed(statistics.tallies(labels, scores, times))
    )
    return across, up


def points(labels: Labels, scores: Scores) -> list[list[float]]:
    """Return the points of a ROC curve, evenly thinned to MAX_POINTS, always with both ends."""
    curve = np.column_stack(roc_points(labels, scores))
    if len(curve) > MAX_POINTS:
        curve = curve[np.linspace(0, len(curve) - 1, MAX_POINTS).round().astype(int)]
    return [numbers(point) for point in curve]


def numbers(values: NDArray[np.float64]) -> list[float]:
    """Return an array as plain rounded numbers."""
    return [rounded(value) for value in values.tolist()]


def rounded(value: float) -> float:
    """Return a number with as many digits as a chart can use."""
    return round(value, DIGITS)
