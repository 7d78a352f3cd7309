"""The population stability index: how far a distribution has moved, and how far chance alone moves it.

PSI is the sum over bins of (q - p) ln(q / p), p and q being a bin's fraction of the reference and of now: the
divergence J of Jeffreys (1946) and of Kullback and Leibler (1951). Its customary bands, 0.1 and 0.25, are those of
Siddiqi, Credit Risk Scorecards (2006). They know no number of images, and PSI is above 0 by chance: without any drift
it is about chi-square with (bins - 1) degrees of freedom, times (1 / n + 1 / m) (Yurdakul and Naranjo, Journal of
Risk Model Validation 14, 2020). Both are therefore asked here.

Pure functions on arrays.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.statistics import Z95, Scores

BINS = 10
"""At most: bins are the reference's tenths, and tenths that its ties make one are one bin."""
SMOOTHING = 0.5
"""Images added to each bin of either side, so that an empty bin is no infinite divergence."""
LEAST = 50
"""Images of either side below which nothing is called: five to a bin (Cochran, Biometrics 10, 1954), without which the
chi-square distribution is no guide to chance."""
BANDS = {"large": 0.25, "moderate": 0.1}
TOGETHER = 5
"""Quantities that are looked at together."""
CHI_SQUARE = (6.634897, 9.210340, 11.344867, 13.276704, 15.086272, 16.811894, 18.475307, 20.090235, 21.665994)
"""The 99 % quantiles for 1 to 9 degrees of freedom. 1 - 0.05 / TOGETHER (Bonferroni): without any drift at most 5 % of
looks call any of the quantities."""
DRAWS = 2000


@dataclass(frozen=True)
class Shift:
    """How far one quantity has moved.

    Attributes:
        psi: the index, at least 0, with its 95 % interval `low` to `high`, NaN where there are too few images for one.
        critical: what the index exceeds by chance in 1 % of looks.
        change: mean now minus mean of the reference, in standard deviations of the reference, with its 95 % interval;
            NaN where all images of the reference have one value.
        bins, reference, now: how many bins, images of the reference and images now.
    """

    psi: float
    low: float
    high: float
    critical: float
    change: float
    change_low: float
    change_high: float
    bins: int
    reference: int
    now: int

    @property
    def size(self) -> str:
        """What is called: "large" or "moderate"; "small" is more than chance and less than the bands, else "none"."""
        if self.psi <= self.critical:
            return "none"
        return next((name for name, least in BANDS.items() if self.psi >= least), "small")

    @property
    def called(self) -> bool:
        """Whether this is drift: more than chance, and at least the lower band."""
        return self.size in BANDS

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values; NaN, which JSON has not, becomes null."""
        plain = {name: None if isinstance(one, float) and math.isnan(one) else one for name, one in vars(self).items()}
        return {**plain, "size": self.size, "drift": self.called}


def shift(reference: Scores, now: Scores, seed: int = 0) -> Shift:
    """Compare a quantity of n images of the reference with that of m images now; shapes (n,) and (m,), n, m > 1."""
    bounds = edges(reference)
    before, after = counts(reference, bounds), counts(now, bounds)
    low, high = interval(before, after, seed)
    change, half = difference(reference, now)
    return Shift(
        float(index(before, after)), low, high, critical(len(before), len(reference), len(now)),
        change, change - half, change + half, len(before), len(reference), len(now),
    )  # fmt: skip


def edges(reference: Scores) -> Scores:
    """Return the upper ends of all bins but the last: the reference's nine deciles, each value once."""
    return np.unique(np.quantile(reference, np.arange(1, BINS) / BINS))


def counts(values: Scores, bounds: Scores) -> NDArray[np.int64]:
    """Return how many values lie in each bin; a value at an upper end belongs to the bin below it."""
    return np.bincount(np.searchsorted(bounds, values, side="left"), minlength=len(bounds) + 1).astype(np.int64)


def index(before: NDArray[np.int64], after: NDArray[np.int64]) -> Scores:
    """Return PSI of counts in bins, the last axis, after adding SMOOTHING to each."""
    bins = before.shape[-1]
    p = (before + SMOOTHING) / (before.sum(axis=-1, keepdims=True) + SMOOTHING * bins)
    q = (after + SMOOTHING) / (after.sum(axis=-1, keepdims=True) + SMOOTHING * bins)
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=-1))


def critical(bins: int, reference: int, now: int) -> float:
    """Return what PSI exceeds by chance in 1 % of looks, images being independent; `bins` from 2 to BINS."""
    return CHI_SQUARE[bins - 2] * (1 / reference + 1 / now)


def interval(before: NDArray[np.int64], after: NDArray[np.int64], seed: int = 0) -> tuple[float, float]:
    """Return a 95 % bootstrap interval of the index of the two populations, over images, bins kept.

    Images drawn again are multinomial counts. The index of a sample is too high by about as much as the mean of its
    draws is above it, and the draws by that much again, so twice that is taken off their percentiles. The lower end is
    cut at 0. Above about 1, where bins are empty, SMOOTHING pulls both down: the drift is at least so large. NaN with
    fewer images than LEAST, where such an interval holds the truth too seldom.
    """
    rng = np.random.default_rng(seed)
    n, m = int(before.sum()), int(after.sum())
    if min(n, m) < LEAST:
        return math.nan, math.nan
    drawn = index(rng.multinomial(n, before / n, DRAWS), rng.multinomial(m, after / m, DRAWS))
    bias = float(drawn.mean() - index(before, after))
    low, high = np.quantile(drawn, [0.025, 0.975]) - 2 * bias
    return max(0.0, float(low)), max(0.0, float(high))


def difference(reference: Scores, now: Scores) -> tuple[float, float]:
    """Return mean now minus mean before in standard deviations of before, and half its 95 % interval (Welch, 1947)."""
    spread = float(reference.std(ddof=1))
    if spread == 0:
        return math.nan, math.nan
    error = math.sqrt(spread**2 / len(reference) + float(now.var(ddof=1)) / len(now))
    return float(now.mean() - reference.mean()) / spread, Z95 * error / spread
