"""Proportions, resampled quantities and counts at a threshold, with 95 % intervals. `auroc` has the AUROC.

`labels` are 0 or 1; higher `scores` mean that 1 is more likely. Both have shape (n,).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Scores = NDArray[np.float64]

Z95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % confidence interval, and the number of images or patients (`unit`) behind it."""

    value: float
    low: float
    high: float
    n: int
    unit: str = "images"

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] (n = {self.n} {self.unit})"


def proportion(successes: int, n: int) -> Estimate:
    """Return a proportion with its Wilson score interval (Wilson, JASA 1927); n = 0 gives NaN."""
    if n == 0:
        return Estimate(math.nan, math.nan, math.nan, 0)
    fraction, z2 = successes / n, Z95 * Z95
    centre = (fraction + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(fraction * (1 - fraction) / n + z2 / (4 * n * n))
    # At 0 and n one end is exact; rounding would miss it.
    return Estimate(fraction, centre - half if successes else 0.0, centre + half if successes < n else 1.0, n)


def auc(labels: Labels, scores: Scores) -> float:
    """Return the area under the ROC curve: P(a positive scores above a negative) + P(tie) / 2.

    Computed by midranks (Mann and Whitney, 1947). NaN when a class is missing.
    """
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return math.nan
    rank_sum = float(midranks(scores)[labels == 1].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


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


def bootstrap(
    patients: Sequence[str | None],
    quantities: Callable[[NDArray[np.intp]], Mapping[str, float]],
    draws: int = 2000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return quantities with percentile intervals over resampled patients, whose images are not independent.

    Args:
        patients: the patient of each image, length n; an image of an unknown patient (None) is a patient of its own.
        quantities: a function of the indices of images, some repeated, that returns numbers by name.

    `n` and `unit` of each estimate describe what was resampled. An interval leaves out draws in which its quantity is
    NaN because a class is missing. The same seed gives the same intervals.
    """
    member = clusters(patients)
    count, unit = resampled_unit(patients)
    rng = np.random.default_rng(seed)
    images = np.arange(len(member))
    values: dict[str, list[float]] = {}
    for _ in range(draws):
        times = np.bincount(rng.integers(0, count, count), minlength=count)
        for name, value in quantities(np.repeat(images, times[member])).items():
            values.setdefault(name, []).append(value)
    estimates = {}
    for name, value in quantities(images).items():
        drawn = np.array(values[name])
        drawn = drawn[~np.isnan(drawn)]
        low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (math.nan, math.nan)
        estimates[name] = Estimate(value, float(low), float(high), count, unit)
    return estimates


def average_precision(labels: Labels, scores: Scores) -> float:
    """Return the step-wise area under the precision-recall curve, sum of (R_k - R_{k-1}) P_k over distinct scores."""
    positives = int(labels.sum())
    if not positives:
        return math.nan
    order = np.argsort(-scores, kind="stable")
    sorted_scores, hits = scores[order], np.cumsum(labels[order])
    last = np.r_[np.flatnonzero(np.diff(sorted_scores)), len(scores) - 1]
    precision, recall = hits[last] / (last + 1), hits[last] / positives
    return float(np.sum(np.diff(np.r_[0.0, recall]) * precision))


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

    def accuracy(self) -> Estimate:
        """Return the fraction of images called right."""
        return proportion(self.true_positive + self.true_negative, self.n)

    def sensitivity(self) -> Estimate:
        """Return the fraction of pneumonia images called pneumonia."""
        return proportion(self.true_positive, self.true_positive + self.false_negative)

    def specificity(self) -> Estimate:
        """Return the fraction of normal images called normal."""
        return proportion(self.true_negative, self.true_negative + self.false_positive)

    def positive_predictive_value(self) -> Estimate:
        """Return the fraction of images called pneumonia that show it, at the set's own prevalence."""
        return proportion(self.true_positive, self.true_positive + self.false_positive)

    def negative_predictive_value(self) -> Estimate:
        """Return the fraction of images called normal that are normal, at the set's own prevalence."""
        return proportion(self.true_negative, self.true_negative + self.false_negative)

    def balanced_accuracy(self) -> float:
        """Return the mean of sensitivity and specificity."""
        return (self.sensitivity().value + self.specificity().value) / 2

    def matthews(self) -> float:
        """Return the Matthews correlation coefficient (1975); NaN when a row or column of the table is empty."""
        tp, fp = self.true_positive, self.false_positive
        tn, fn = self.true_negative, self.false_negative
        product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
        return (tp * tn - fp * fn) / math.sqrt(product) if product else math.nan


def confusion(labels: Labels, scores: Scores, threshold: float) -> Confusion:
    """Count images by label and by whether score >= threshold."""
    called = scores >= threshold
    return Confusion(
        true_positive=int((called & (labels == 1)).sum()),
        false_positive=int((called & (labels == 0)).sum()),
        true_negative=int((~called & (labels == 0)).sum()),
        false_negative=int((~called & (labels == 1)).sum()),
    )
