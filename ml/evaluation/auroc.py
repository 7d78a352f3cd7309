"""The area under the ROC curve, with an interval that holds for few patients and for areas near 1."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.statistics import Z95, IntervalEstimate, Labels, Scores, clusters, midranks, resampled_unit

PRIOR = 3
"""Weight of the modelled variance, in patients, against the patients behind the estimated variance."""


def auroc(labels: Labels, scores: Scores, patients: Sequence[str | None]) -> IntervalEstimate:
    """Return the AUROC with a 95 % score interval; NaN when a class is missing.

    The interval contains each area at most z standard errors away from the observed area. The standard error is
    computed at that area, not at the observed one (Newcombe, Statistics in Medicine 2006). Such an interval has a
    width where the classes do not overlap, and never leaves [0, 1]. The variance is that of Hanley and McNeil
    (Radiology 1982), with the number of patients of each class in place of the number of images, times a factor. The
    factor compares it with DeLong's variance clustered by patient (Obuchowski, Biometrics 1997), and is drawn towards
    1 where few patients carry that estimate. `benchmarks/auroc_coverage.py` compares it with other intervals.
    """
    groups, positive = clusters(patients), labels == 1
    m, n = int(positive.sum()), int((~positive).sum())
    count, unit = resampled_unit(patients)
    if not m or not n:
        return IntervalEstimate(math.nan, math.nan, math.nan, count, unit)
    value, errors = influences(positive, scores)
    by_patient = np.bincount(groups, errors)
    sizes = len(np.unique(groups[positive])), len(np.unique(groups[~positive]))
    squares = float((by_patient**2).sum())
    factor = 1.0
    if squares and count > 1:
        weight = squares**2 / float((by_patient**4).sum())
        variance = count / (count - 1) * squares
        factor = (PRIOR + weight * variance / hanley_mcneil(value, *sizes)) / (PRIOR + weight)

    def near(area: float) -> bool:
        return (value - area) ** 2 <= Z95**2 * factor * hanley_mcneil(area, *sizes)

    return IntervalEstimate(value, edge(value, 0.0, near), edge(value, 1.0, near), count, unit)


def influences(positive: NDArray[np.bool_], scores: Scores) -> tuple[float, Scores]:
    """Return the AUROC and the contribution of each image to its error, shape (n,), by midranks (Sun and Xu, 2014)."""
    high, low = scores[positive], scores[~positive]
    ranks = midranks(np.concatenate([high, low]))
    above = (ranks[: len(high)] - midranks(high)) / len(low)
    below = 1.0 - (ranks[len(high) :] - midranks(low)) / len(high)
    value = float(above.mean())
    errors = np.empty(len(scores))
    errors[positive], errors[~positive] = (above - value) / len(high), (below - value) / len(low)
    return value, errors


def hanley_mcneil(area: float, positives: int, negatives: int) -> float:
    """Return the variance of an AUROC of independent images with exponential scores (Hanley and McNeil, 1982)."""
    spread = (positives - 1) * (1 - area) / (2 - area) + (negatives - 1) * area / (1 + area)
    return area * (1 - area) * (1 + spread) / (positives * negatives)


def edge(inside: float, outside: float, near: Callable[[float], bool]) -> float:
    """Return, by bisection, the last value on the way from `inside` to `outside` that is near."""
    for _ in range(50):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if near(middle) else (inside, middle)
    return inside
