"""Compare two samples of images: the test of each quantity, the size of its shift, the table and the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import ks_2samp

from ml.drift.features import Sample
from ml.evaluation import statistics
from ml.evaluation.metrics import as_json
from ml.evaluation.statistics import IntervalEstimate, Scores

SIGNIFICANCE = 0.05
"""Chance that a comparison without drift reports some."""
BINS = 10
"""Upper limit: equal quantiles of the reference share a bin."""
SMOOTHING = 0.5
"""Images added to each bin, because an empty bin would make the index infinite."""
CAVEATS = (
    "Drift is a p-value (two-sample Kolmogorov-Smirnov test) below 0.05 divided by the number of quantities. PSI "
    "(population stability index, bins of a tenth of the validation images) is the size of the shift; by convention "
    "0.1 is moderate and 0.25 is large. Of each known patient one image counts. Images of unknown patients count as "
    "independent: several images of one patient make false alarms more frequent. Drift says that images or patients "
    "differ from validation, not that the model is wrong. Only labels can show that."
)


@dataclass(frozen=True)
class Shift:
    """How far one quantity moved.

    Attributes:
        p_value: of the two-sample Kolmogorov-Smirnov test.
        psi: population stability index, at least 0.
        reference_mean, now_mean: means of the two samples.
        significant: whether this is drift.
    """

    p_value: float
    psi: float
    reference_mean: float
    now_mean: float
    significant: bool


@dataclass(frozen=True)
class Comparison:
    """The shift of each quantity, the fraction called pneumonia in validation and now, and the images compared."""

    shifts: Mapping[str, Shift]
    positives: Mapping[str, IntervalEstimate]
    reference: int
    now: int

    @property
    def drift(self) -> bool:
        """Whether any quantity drifted."""
        return any(shift.significant for shift in self.shifts.values())

    def verdict(self) -> str:
        """Return a sentence."""
        drifted = [f"{name} (PSI {shift.psi:.2f})" for name, shift in self.shifts.items() if shift.significant]
        if drifted:
            return (
                f"Warning: drift in {', '.join(drifted)}. The model's validation may not hold for these images. Check "
                "where they come from, and evaluate the model on labelled ones."
            )
        return f"No drift found between {self.reference} validation images and {self.now} images now."

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "drift": self.drift,
            "verdict": self.verdict(),
            "reference": self.reference,
            "now": self.now,
            "quantities": {name: vars(shift) for name, shift in self.shifts.items()},
            "positive_rate": as_json(self.positives),
            "caveats": CAVEATS,
        }


def compare(reference: Sample, now: Sample, seed: int = 0) -> Comparison:
    """Compare images now with the reference.

    Args:
        seed: of the choice of one image a patient.
    """
    reference, now = reference.one_image_a_patient(seed), now.one_image_a_patient(seed)
    level = SIGNIFICANCE / len(reference.values)
    shifts = {name: shift(values, now.values[name], level) for name, values in reference.values.items()}
    positives = {
        "validation": statistics.proportion(int(reference.positive.sum()), len(reference)),
        "now": statistics.proportion(int(now.positive.sum()), len(now)),
    }
    return Comparison(shifts, positives, len(reference), len(now))


def shift(reference: Scores, now: Scores, level: float) -> Shift:
    """Compare one quantity; it drifted if the p-value is below `level`."""
    p_value = float(ks_2samp(reference, now, method="asymp").pvalue)
    return Shift(p_value, stability_index(reference, now), float(reference.mean()), float(now.mean()), p_value < level)


def stability_index(reference: Scores, now: Scores) -> float:
    """Return the population stability index: the sum over bins of (q - p) ln(q / p), their fractions p and q."""
    bounds = np.unique(np.quantile(reference, np.arange(1, BINS) / BINS))
    p, q = (
        np.bincount(np.searchsorted(bounds, values), minlength=len(bounds) + 1) + SMOOTHING
        for values in (reference, now)
    )
    p, q = p / p.sum(), q / q.sum()
    return float(((q - p) * np.log(q / p)).sum())


def table(comparison: Comparison) -> str:
    """Return quantities and positive rates as aligned text."""
    width = max(map(len, comparison.shifts)) + 2
    lines = [f"{'quantity':<{width}}{'validation':>12}{'now':>12}{'PSI':>8}{'p-value':>10}  drift"]
    for name, moved in comparison.shifts.items():
        lines.append(
            f"{name:<{width}}{moved.reference_mean:>12.4f}{moved.now_mean:>12.4f}{moved.psi:>8.3f}"
            f"{moved.p_value:>10.2g}  {'yes' if moved.significant else 'no'}"
        )
    lines.append(f"Means of {comparison.reference} validation images and {comparison.now} images now.")
    lines += [f"Called pneumonia, {name}: {rate}" for name, rate in comparison.positives.items()]
    return "\n".join(lines)
