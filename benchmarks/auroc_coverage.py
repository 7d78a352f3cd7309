"""How often a 95 % interval of the AUROC holds the true area, by simulation: `ml.evaluation.auroc` and the usual ones.

Each patient has one class and one to three images, whose scores are normal and correlate by 0.5. In "equal" both
classes spread alike; in "unequal" the scores of normal images spread twice as far as those of pneumonia. Prints
coverage and mean width of each method for each number of patients and each true area. Run it as
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
POSITIVE_SHARE, CORRELATION = 0.6, 0.5


@dataclass(frozen=True)
class Images:
    """A simulated test set; arrays of shape (n,)."""

    labels: NDArray[np.int64]
    scores: Numbers
    patients: NDArray[np.int64]

    @property
    def count(self) -> int:
        """Patients."""
        return int(self.patients[-1]) + 1

    def summed(self, values: Numbers) -> Numbers:
        """Values summed by patient."""
        return np.bincount(self.patients, values, self.count)


def simulated(rng: np.random.Generator, patients: int, area: float, spread: float) -> Images:
    """A test set whose true AUROC is `area`; `spread` is the standard deviation of the positives' scores."""
    classes = (np.arange(patients) < max(2, min(patients - 2, rng.binomial(patients, POSITIVE_SHARE)))).astype(int)
    member = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    shared = math.sqrt(CORRELATION) * rng.normal(size=patients)[member]
    noise = shared + math.sqrt(1 - CORRELATION) * rng.normal(size=len(member))
    labels = classes[member]
    distance = NormalDist().inv_cdf(area) * math.hypot(1, spread)
    return Images(labels, np.where(labels == 1, distance + spread * noise, noise), member)


def product(images: Images, _: Drawn) -> Interval:
    """The interval of `ml.evaluation.auroc`."""
    found = auroc(images.labels, images.scores, [str(one) for one in images.patients])
    return found.low, found.high


class Drawn:
    """Resampled patients: the area of each draw, and DeLong's standard error of it by patient."""

    def __init__(self, images: Images, rng: np.random.Generator, draws: int) -> None:
        positive = images.labels == 1
        high, low = images.scores[positive], images.scores[~positive]
        wins = (high[:, None] > low) + 0.5 * (high[:, None] == low)
        pairs = np.zeros((images.count, images.count))
        np.add.at(pairs, (images.patients[positive][:, None], images.patients[~positive][None, :]), wins)
        positives, negatives = images.summed(positive.astype(float)), images.summed((~positive).astype(float))
        self.value = float(wins.mean())
        weights = rng.multinomial(images.count, np.full(images.count, 1 / images.count), draws).astype(float)
        weights = weights[(weights @ positives > 0) & (weights @ negatives > 0)]
        m, n = (weights @ positives)[:, None], (weights @ negatives)[:, None]
        self.areas = ((weights @ pairs) * weights).sum(1) / (m * n)[:, 0]
        shares = (weights @ pairs.T / n - positives * self.areas[:, None]) / m
        shares += (weights @ pairs / m - negatives * self.areas[:, None]) / n
        self.errors = np.sqrt(images.count / (images.count - 1) * (weights * shares**2).sum(1))
        without = pairs.sum() - pairs.sum(0) - pairs.sum(1) + pairs.diagonal()
        self.left_out = without / ((positives.sum() - positives) * (negatives.sum() - negatives))


def percentile(_: Images, drawn: Drawn) -> Interval:
    """Percentiles of the area over resampled patients."""
    low, high = np.quantile(drawn.areas, [0.025, 0.975])
    return float(low), float(high)


def bca(_: Images, drawn: Drawn) -> Interval:
    """Bias-corrected and accelerated percentiles (Efron, 1987)."""
    below = float((drawn.areas < drawn.value).mean() + (drawn.areas == drawn.value).mean() / 2)
    normal, jumps = NormalDist(), drawn.left_out.mean() - drawn.left_out
    squares = float((jumps**2).sum())
    acceleration = float((jumps**3).sum()) / (6 * squares**1.5) if squares else 0.0
    bias = normal.inv_cdf(min(max(below, 1e-3), 1 - 1e-3))
    shares = [normal.cdf(bias + (bias + z) / (1 - acceleration * (bias + z))) for z in (-Z95, Z95)]
    low, high = np.quantile(drawn.areas, shares)
    return float(low), float(high)


def clustered_error(images: Images) -> tuple[float, float]:
    """The area and DeLong's standard error with the images of a patient taken together."""
    value, shares = influences(images.labels == 1, images.scores)
    return value, math.sqrt(images.count / (images.count - 1) * float((images.summed(shares) ** 2).sum()))


def logit(value: float | Numbers) -> Any:
    """Log odds."""
    return np.log(value / (1 - value))


def back(value: float) -> float:
    """The probability of log odds."""
    return float(1 / (1 + math.exp(-value)))


def bootstrap_t(images: Images, drawn: Drawn) -> Interval:
    """Bootstrap-t on the logit scale."""
    value, error = clustered_error(images)
    usable = (drawn.areas < 1) & (drawn.errors > 0)
    if value == 1 or error == 0 or not usable.any():
        return value, value
    areas = drawn.areas[usable]
    ratios = (logit(areas) - logit(value)) * areas * (1 - areas) / drawn.errors[usable]
    low, high = np.quantile(ratios, [0.025, 0.975])
    scale = error / (value * (1 - value))
    return back(logit(value) - high * scale), back(logit(value) - low * scale)


def delong(images: Images, _: Drawn) -> Interval:
    """DeLong's interval, as if all images were independent, cut at 1."""
    value, shares = influences(images.labels == 1, images.scores)
    half = Z95 * math.sqrt(float((shares**2).sum()))
    return value - half, min(1.0, value + half)


def logit_delong(images: Images, _: Drawn) -> Interval:
    """DeLong's interval by patient on the logit scale."""
    value, error = clustered_error(images)
    if value == 1 or error == 0:
        return value, value
    half = Z95 * error / (value * (1 - value))
    return back(logit(value) - half), back(logit(value) + half)


def newcombe(images: Images, _: Drawn) -> Interval:
    """Newcombe's method 5 with both classes' images divided by the design effect, at most images per patient."""
    value, shares = influences(images.labels == 1, images.scores)
    m, n = int(images.labels.sum()), int(len(images.labels) - images.labels.sum())
    independent, most = float((shares**2).sum()), len(images.labels) / images.count
    effect = min(max(clustered_error(images)[1] ** 2 / independent, 1.0), most) if independent else most
    middle = round((m + n) / 2)

    def near(area: float) -> bool:
        variance = hanley_mcneil(area, middle, middle) * middle**2 / (m * n) * effect
        return (value - area) ** 2 <= Z95**2 * variance

    return edge(value, 0.0, near), edge(value, 1.0, near)


METHODS: dict[str, Callable[[Images, Drawn], Interval]] = {
    "ml.evaluation.auroc": product, "percentile": percentile, "BCa": bca, "bootstrap-t": bootstrap_t, "DeLong": delong,
    "logit DeLong": logit_delong, "Newcombe 5": newcombe,
}  # fmt: skip


def measured(sets: int, draws: int) -> Iterator[tuple[str, int, float, dict[str, tuple[float, float]]]]:
    """Coverage and mean width of each method, by spread, patients and area."""
    for spread, patients, area in ((s, p, a) for s in SPREADS for p in PATIENTS for a in AREAS):
        rng = np.random.default_rng(0)
        results: dict[str, list[Interval]] = {name: [] for name in METHODS}
        for _ in range(sets):
            images = simulated(rng, patients, area, SPREADS[spread])
            drawn = Drawn(images, rng, draws)
            for name, method in METHODS.items():
                results[name].append(method(images, drawn))
        ends = {name: np.array(intervals) for name, intervals in results.items()}
        yield spread, patients, area, {
            name: (float(((one[:, 0] <= area) & (area <= one[:, 1])).mean()), float((one[:, 1] - one[:, 0]).mean()))
            for name, one in ends.items()
        }  # fmt: skip


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", type=int, default=1000, help="simulated test sets a line (default %(default)s)")
    parser.add_argument("--draws", type=int, default=500, help="of patients, by bootstrap (default %(default)s)")
    options = parser.parse_args()
    print(f"| spread | patients | AUROC | {' | '.join(METHODS)} |\n|{' --- |' * (len(METHODS) + 3)}")
    for spread, patients, area, found in measured(options.sets, options.draws):
        cells = " | ".join(f"{coverage:.3f} ({width:.3f})" for coverage, width in found.values())
        print(f"| {spread} | {patients} | {area:g} | {cells} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
