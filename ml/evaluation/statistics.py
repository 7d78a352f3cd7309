"""Proportions, resampled quantities and counts at a threshold, with 95 % intervals. `auroc` has the AUROC.

`labels` are 0 or 1; higher `scores` mean that 1 is more likely. Both have shape (n,).
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Scores = NDArray[np.float64]
Times = NDArray[np.float64]
"""How often each image counts, shape (..., n), of which each row is a draw; a metric of it has one value a row."""

Z95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""
MAX_NUMBERS = 500_000
"""Of an array of draws; bounds the memory."""


@dataclass(frozen=True)
class IntervalEstimate:
    """A value with its 95 % confidence interval, and the number of images or patients (`unit`) behind it."""

    value: float
    low: float
    high: float
    n: int
    unit: str = "images"

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] (n = {self.n} {self.unit})"


def proportion(successes: int, n: int) -> IntervalEstimate:
    """Return a proportion with its Wilson score interval (Wilson, JASA 1927); n = 0 gives NaN."""
    if n == 0:
        return IntervalEstimate(math.nan, math.nan, math.nan, 0)
    fraction, z2 = successes / n, Z95 * Z95
    centre = (fraction + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(fraction * (1 - fraction) / n + z2 / (4 * n * n))
    # At 0 and n one end is exact; rounding would miss it.
    return IntervalEstimate(fraction, centre - half if successes else 0.0, centre + half if successes < n else 1.0, n)


def tallies(labels: Labels, scores: Scores, times: Times | None = None) -> tuple[Times, Times]:
    """Return how many positives and how many negatives have at least each distinct score, from the highest."""
    times = np.ones(len(scores)) if times is None else times
    order = np.argsort(-scores, kind="stable")
    last = np.r_[np.flatnonzero(np.diff(scores[order])), len(scores) - 1]
    positives, all_images = times[..., order] * labels[order], times[..., order]
    hits = np.cumsum(positives, axis=-1)[..., last]
    return hits, np.cumsum(all_images, axis=-1)[..., last] - hits


def auc(labels: Labels, scores: Scores, times: Times | None = None) -> Scores:
    """Return the area under the ROC curve: P(a positive scores above a negative) + P(tie) / 2 (Mann and Whitney, 1947).

    NaN when a class is missing.
    """
    hits, alarms = tallies(labels, scores, times)
    below = alarms[..., -1:] - (alarms + np.insert(alarms, 0, 0, axis=-1)[..., :-1]) / 2
    wins = (np.diff(hits, axis=-1, prepend=0) * below).sum(-1)
    return ratio(wins, hits[..., -1] * alarms[..., -1])


def ratio(part: Scores, whole: Scores) -> Scores:
    """Return the quotient; NaN where `whole` is 0."""
    return np.asarray(part / np.where(whole == 0, math.nan, whole))


def midranks(values: Scores) -> Scores:
    """Return ranks from 1; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Scores = (last - (counts - 1) / 2.0)[inverse]
    return ranks


def clusters(patients: Sequence[str | None]) -> NDArray[np.intp]:
    """Return a number from 0 for each image's patient; an image of an unknown patient (None) has its own number."""
    numbers: dict[str | int, int] = {}
    keys = (index if patient is None else patient for index, patient in enumerate(patients))
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.intp)


def resampled_unit(patients: Sequence[str | None]) -> tuple[int, str]:
    """Return the number of groups that `clusters` makes, and their name."""
    known, unknown = len(set(patients) - {None}), sum(patient is None for patient in patients)
    if not unknown:
        return known, "patients"
    if not known:
        return unknown, "images of unknown patients"
    return known + unknown, f"groups ({known} patients, {unknown} images of unknown patients)"


def blocks(draws: int, images: int) -> Iterator[int]:
    """Yield numbers of draws that add up to `draws`; an array of a block's draws of `images` images fits in memory."""
    size = max(1, MAX_NUMBERS // images)
    for start in range(0, draws, size):
        yield min(size, draws - start)


def bootstrap(
    patients: Sequence[str | None],
    quantities: Callable[[Times], Mapping[str, Scores]],
    draws: int = 2000,
    seed: int = 0,
) -> dict[str, IntervalEstimate]:
    """Return quantities with percentile intervals over resampled patients, whose images are not independent.

    Args:
        patients: the patient of each image, length n; an image of an unknown patient (None) is a patient of its own.
        quantities: a function of how often each image counts, shape (draws, n), that returns numbers by name, each of
            shape (draws,).

    `n` and `unit` of each estimate describe what was resampled. An interval leaves out draws in which its quantity is
    NaN because a class is missing. The same seed gives the same intervals.
    """
    member = clusters(patients)
    count, unit = resampled_unit(patients)
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[Scores]] = {}
    for rows in blocks(draws, len(member)):
        chosen = rng.integers(0, count, (rows, count)) + count * np.arange(rows)[:, None]
        times = np.bincount(chosen.ravel(), minlength=rows * count).reshape(rows, count).astype(float)
        for name, values in quantities(times[:, member]).items():
            drawn.setdefault(name, []).append(values)
    estimates = {}
    for name, value in quantities(np.ones((1, len(member)))).items():
        known = np.concatenate(drawn[name])
        known = known[~np.isnan(known)]
        low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (math.nan, math.nan)
        estimates[name] = IntervalEstimate(float(value[0]), float(low), float(high), count, unit)
    return estimates


def average_precision(labels: Labels, scores: Scores, times: Times | None = None) -> Scores:
    """Return the step-wise area under the precision-recall curve, sum of (R_k - R_{k-1}) P_k over distinct scores."""
    hits, alarms = tallies(labels, scores, times)
    precision = hits / np.maximum(hits + alarms, 1)
    return ratio((np.diff(hits, axis=-1, prepend=0) * precision).sum(-1), hits[..., -1])


def balanced_accuracy(labels: Labels, called: NDArray[np.bool_], times: Times | None = None) -> Scores:
    """Return the mean of sensitivity and specificity; NaN when a class is missing."""
    hits, alarms, misses, passes = outcomes(labels, called, times)
    return (ratio(hits, hits + misses) + ratio(passes, passes + alarms)) / 2


def matthews(labels: Labels, called: NDArray[np.bool_], times: Times | None = None) -> Scores:
    """Return the Matthews correlation coefficient (1975); NaN when a row or column of the table is empty."""
    hits, alarms, misses, passes = outcomes(labels, called, times)
    product = (hits + alarms) * (hits + misses) * (passes + alarms) * (passes + misses)
    return ratio(hits * passes - alarms * misses, np.sqrt(product))


def outcomes(labels: Labels, called: NDArray[np.bool_], times: Times | None) -> list[Times]:
    """Return the true and false positives, then the false and true negatives."""
    times = np.ones(len(labels)) if times is None else times
    return [times @ (mask & (labels == label)).astype(float) for mask in (called, ~called) for label in (1, 0)]


@dataclass(frozen=True)
class Confusion:
    """Counts at a threshold."""

    true_positive: int
    false_positive: int
    true_negative: int
    false_negative: int

    @property
    def n(self) -> int:
        """The number of images."""
        return self.true_positive + self.false_positive + self.true_negative + self.false_negative

    def accuracy(self) -> IntervalEstimate:
        """Return the fraction of images called right."""
        return proportion(self.true_positive + self.true_negative, self.n)

    def sensitivity(self) -> IntervalEstimate:
        """Return the fraction of pneumonia images called pneumonia."""
        return proportion(self.true_positive, self.true_positive + self.false_negative)

    def specificity(self) -> IntervalEstimate:
        """Return the fraction of normal images called normal."""
        return proportion(self.true_negative, self.true_negative + self.false_positive)

    def positive_predictive_value(self) -> IntervalEstimate:
        """Return the fraction of images called pneumonia that show it, at the set's own prevalence."""
        return proportion(self.true_positive, self.true_positive + self.false_positive)

    def negative_predictive_value(self) -> IntervalEstimate:
        """Return the fraction of images called normal that are normal, at the set's own prevalence."""
        return proportion(self.true_negative, self.true_negative + self.false_negative)


def confusion(labels: Labels, scores: Scores, threshold: float) -> Confusion:
    """Count images by label and by whether score >= threshold."""
    called = scores >= threshold
    return Confusion(
        true_positive=int((called & (labels == 1)).sum()),
        false_positive=int((called & (labels == 0)).sum()),
        true_negative=int((~called & (labels == 0)).sum()),
        false_negative=int((~called & (labels == 1)).sum()),
    )
