"""Simulate how often a 95 % interval of the AUROC contains the true area: `ml.evaluation.auroc` and common methods.

Each patient has one class and one to three images, whose scores are normal with a correlation of 0.5. With spread
"equal", both classes have the same standard deviation. With "unequal", that of normal images is twice that of
pneumonia. The table has the coverage and mean width of each method, by number of patients and true area. Run
`python -m benchmarks.auroc_coverage [--sets 1000] [--draws 500]`; it reads no data.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.auroc import auroc, edge, hanley_mcneil, influences
from ml.evaluation.statistics import Z95

Numbers = NDArray[np.float64]
Interval = tuple[float, float]
PATIENTS, AREAS, SPREADS = (20, 40, 100, 227), (0.85, 0.95, 0.983, 0.995), {"equal": 1.0, "unequal": 0.5}
POSITIVE_FRACTION, CORRELATION = 0.6, 0.5


@dataclass(frozen=True)
class Images:
    """A simulated test set; arrays of shape (n,)."""

    labels: NDArray[np.int64]
    scores: Numbers
    patients: NDArray[np.int64]

    @property
    def count(self) -> int:
        """The number of patients."""
        return int(self.patients[-1]) + 1

    def sums(self, values: Numbers) -> Numbers:
        """Return the sums of values by patient."""
        return np.bincount(self.patients, values, self.count).astype(np.float64)


def simulated(rng: np.random.Generator, patients: int, area: float, spread: float) -> Images:
    """Return a test set whose true AUROC is `area`; `spread` is the standard deviation of the positives' scores."""
    classes = (np.arange(patients) < max(2, min(patients - 2, rng.binomial(patients, POSITIVE_FRACTION)))).astype(int)
    member = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    shared = math.sqrt(CORRELATION) * rng.normal(size=patients)[member]
    noise = shared + math.sqrt(1 - CORRELATION) * rng.normal(size=len(member))
    labels = classes[member]
    distance = NormalDist().inv_cdf(area) * math.hypot(1, spread)
    return Images(labels, np.where(labels == 1, distance + spread * noise, noise), member)


def score(images: Images, _: Resamples) -> Interval:
    """Return the interval of `ml.evaluation.auroc`."""
    estimate = auroc(images.labels, images.scores, images.patients.astype(str).tolist())
    return estimate.low, estimate.high


class Resamples:
    """Resampled patients: the area of each draw, and DeLong's standard error of it by patient."""

    def __init__(self, images: Images, rng: np.random.Generator, draws: int) -> None:
        positive = images.labels == 1
        high, low = images.scores[positive], images.scores[~positive]
        wins = (high[:, None] > low) + 0.5 * (high[:, None] == low)
        pairs = np.zeros((images.count, images.count))
        np.add.at(pairs, (images.patients[positive][:, None], images.patients[~positive][None, :]), wins)
        positives, negatives = images.sums(positive.astype(float)), images.sums((~positive).astype(float))
        self.value = float(wins.mean())
        weights = rng.multinomial(images.count, np.full(images.count, 1 / images.count), draws).astype(float)
        weights = weights[(weights @ positives > 0) & (weights @ negatives > 0)]
        m, n = (weights @ positives)[:, None], (weights @ negatives)[:, None]
        self.areas = ((weights @ pairs) * weights).sum(1) / (m * n)[:, 0]
        influence = (weights @ pairs.T / n - positives * self.areas[:, None]) / m
        influence += (weights @ pairs / m - negatives * self.areas[:, None]) / n
        self.errors = np.sqrt(images.count / (images.count - 1) * (weights * influence**2).sum(1))
        without = pairs.sum() - pairs.sum(0) - pairs.sum(1) + pairs.diagonal()
        self.left_out = without / ((positives.sum() - positives) * (negatives.sum() - negatives))


def percentile(_: Images, resamples: Resamples) -> Interval:
    """Return percentiles of the area over resampled patients."""
    low, high = np.quantile(resamples.areas, [0.025, 0.975])
    return float(low), float(high)


def bca(_: Images, resamples: Resamples) -> Interval:
    """Return bias-corrected and accelerated percentiles (Efron, 1987)."""
    below = float((resamples.areas < resamples.value).mean() + (resamples.areas == resamples.value).mean() / 2)
    normal, jumps = NormalDist(), resamples.left_out.mean() - resamples.left_out
    squares = float((jumps**2).sum())
    acceleration = float((jumps**3).sum()) / (6 * squares**1.5) if squares else 0.0
    bias = normal.inv_cdf(min(max(below, 1e-3), 1 - 1e-3))
    fractions = [normal.cdf(bias + (bias + z) / (1 - acceleration * (bias + z))) for z in (-Z95, Z95)]
    low, high = np.quantile(resamples.areas, fractions)
    return float(low), float(high)


def clustered_error(images: Images) -> tuple[float, float]:
    """Return the area and DeLong's standard error clustered by patient."""
    value, errors = influences(images.labels == 1, images.scores)
    return value, math.sqrt(images.count / (images.count - 1) * float((images.sums(errors) ** 2).sum()))


def logit(value: float | Numbers) -> Any:
    """Return the log odds."""
    return np.log(value / (1 - value))


def probability(value: float) -> float:
    """Return the probability of log odds."""
    return float(1 / (1 + math.exp(-value)))


def bootstrap_t(images: Images, resamples: Resamples) -> Interval:
    """Return the bootstrap-t interval on the logit scale."""
    value, error = clustered_error(images)
    usable = (resamples.areas < 1) & (resamples.errors > 0)
    if value == 1 or error == 0 or not usable.any():
        return value, value
    areas = resamples.areas[usable]
    ratios = (logit(areas) - logit(value)) * areas * (1 - areas) / resamples.errors[usable]
    low, high = np.quantile(ratios, [0.025, 0.975])
    scale = error / (value * (1 - value))
    return probability(logit(value) - high * scale), probability(logit(value) - low * scale)


def delong(images: Images, _: Resamples) -> Interval:
    """Return DeLong's interval for independent images, cut at 1."""
    value, errors = influences(images.labels == 1, images.scores)
    half = Z95 * math.sqrt(float((errors**2).sum()))
    return value - half, min(1.0, value + half)


def logit_delong(images: Images, _: Resamples) -> Interval:
    """Return DeLong's interval by patient on the logit scale."""
    value, error = clustered_error(images)
    if value == 1 or error == 0:
        return value, value
    half = Z95 * error / (value * (1 - value))
    return probability(logit(value) - half), probability(logit(value) + half)


def newcombe(images: Images, _: Resamples) -> Interval:
    """Return Newcombe's method 5 with the images of each class divided by the design effect."""
    value, errors = influences(images.labels == 1, images.scores)
    m, n = int(images.labels.sum()), int(len(images.labels) - images.labels.sum())
    independent, most = float((errors**2).sum()), len(images.labels) / images.count
    effect = min(max(clustered_error(images)[1] ** 2 / independent, 1.0), most) if independent else most
    middle = round((m + n) / 2)

    def near(area: float) -> bool:
        variance = hanley_mcneil(area, middle, middle) * middle**2 / (m * n) * effect
        return (value - area) ** 2 <= Z95**2 * variance

    return edge(value, 0.0, near), edge(value, 1.0, near)


METHODS: dict[str, Callable[[Images, Resamples], Interval]] = {
    "ml.evaluation.auroc": score, "percentile": percentile, "BCa": bca, "bootstrap-t": bootstrap_t, "DeLong": delong,
    "logit DeLong": logit_delong, "Newcombe 5": newcombe,
}  # fmt: skip


def coverages(sets: int, draws: int) -> Iterator[tuple[str, int, float, dict[str, tuple[float, float]]]]:
    """Yield coverage and mean width of each method, by spread, patients and area."""
    for spread, patients, area in ((s, p, a) for s in SPREADS for p in PATIENTS for a in AREAS):
        rng = np.random.default_rng(0)
        results: dict[str, list[Interval]] = {name: [] for name in METHODS}
        for _ in range(sets):
            images = simulated(rng, patients, area, SPREADS[spread])
            resamples = Resamples(images, rng, draws)
            for name, method in METHODS.items():
                results[name].append(method(images, resamples))
        ends = {name: np.array(intervals).T for name, intervals in results.items()}
        yield spread, patients, area, {
            name: (float(((low <= area) & (area <= high)).mean()), float((high - low).mean()))
            for name, (low, high) in ends.items()
        }  # fmt: skip


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", type=int, default=1000, help="simulated test sets per line (default %(default)s)")
    parser.add_argument("--draws", type=int, default=500, help="bootstrap draws of patients (default %(default)s)")
    options = parser.parse_args()
    print(f"| spread | patients | AUROC | {' | '.join(METHODS)} |\n|{' --- |' * (len(METHODS) + 3)}")
    for spread, patients, area, results in coverages(options.sets, options.draws):
        cells = " | ".join(f"{coverage:.3f} ({width:.3f})" for coverage, width in results.values())
        print(f"| {spread} | {patients} | {area:g} | {cells} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
