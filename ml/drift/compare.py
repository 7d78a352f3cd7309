"""The comparison of two samples of images: its figures, its table, its verdict in a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml.drift import psi
from ml.drift.features import Sample
from ml.drift.psi import LEAST, Shift
from ml.evaluation import statistics
from ml.evaluation.metrics import as_json
from ml.evaluation.statistics import Estimate

CAVEATS = (
    "PSI (population stability index) compares with the validation images in bins of a tenth of them. Drift is a PSI "
    "above what chance gives in 5 % of looks (Yurdakul and Naranjo, 2020; five quantities together), and of at least "
    "0.1 (moderate) or 0.25 (large). Change is of the mean, in standard deviations of the validation images. Whose "
    "images these are is not known, so every interval takes images as independent: with several images a patient it is "
    "too narrow. A drift says that images or patients differ, not that the model is wrong; only labels can say that."
)


@dataclass(frozen=True)
class Comparison:
    """How far each quantity has moved, and the fraction of images called pneumonia in validation and now."""

    shifts: Mapping[str, Shift]
    positives: Mapping[str, Estimate]
    reference: int
    now: int

    @property
    def enough(self) -> bool:
        """Whether there are images enough on both sides to call anything."""
        return min(self.reference, self.now) >= LEAST

    @property
    def drift(self) -> bool:
        """Whether any quantity has drifted."""
        return self.enough and any(one.called for one in self.shifts.values())

    def verdict(self) -> str:
        """Return a sentence."""
        if not self.enough:
            return (
                f"Too few images to tell: {self.reference} of validation and {self.now} now, and at least {LEAST} of "
                "each are needed. Nothing is called."
            )
        found = [f"{name} ({one.size}, PSI {one.psi:.2f})" for name, one in self.shifts.items() if one.called]
        if found:
            return (
                f"Warning: drift in {', '.join(found)}. The model's validation may not hold for such images: look at "
                "where they come from, and evaluate the model on labelled ones."
            )
        small = [name for name, one in self.shifts.items() if one.size == "small"]
        known = f" More than chance, but below 0.1: {', '.join(small)}." if small else ""
        return f"No drift: these images look like the {self.reference} validation images.{known}"

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values; `drift` is null where there are too few images to tell."""
        return {
            "drift": self.drift if self.enough else None,
            "verdict": self.verdict(),
            "reference": self.reference,
            "now": self.now,
            "quantities": {name: one.as_json() for name, one in self.shifts.items()},
            "positive_rate": as_json(self.positives),
            "caveats": CAVEATS,
        }


def compare(reference: Sample, now: Sample, seed: int = 0) -> Comparison:
    """Compare images now with the reference; at least two of each.

    Args:
        seed: of the bootstrap.
    """
    shifts = {name: psi.shift(reference.values[name], now.values[name], seed) for name in reference.values}
    positives = {
        "validation": statistics.proportion(reference.positives, len(reference)),
        "now": statistics.proportion(now.positives, len(now)),
    }
    return Comparison(shifts, positives, len(reference), len(now))


def table(found: Comparison) -> str:
    """Return quantities and positive rates as aligned text."""
    width = max(map(len, found.shifts)) + 2
    lines = [
        f"{'quantity':<{width}}{'PSI':>6}  {'95 % CI':<16}{'by chance':<11}{'change':>6}  {'95 % CI':<18}"
        f"{'n validation':>12}{'n now':>8}  drift"
    ]
    for name, one in found.shifts.items():
        interval = f"[{one.low:.3f}, {one.high:.3f}]" if found.enough else "unknown"
        change = f"[{one.change_low:+.2f}, {one.change_high:+.2f}]"
        verdict = one.size if found.enough else "unknown"
        lines.append(
            f"{name:<{width}}{one.psi:>6.3f}  {interval:<16}{f'< {one.critical:.3f}':<11}{one.change:>+6.2f}  "
            f"{change:<18}{one.reference:>12}{one.now:>8}  {verdict}"
        )
    lines += [f"Called pneumonia, {name}: {one}" for name, one in found.positives.items()]
    return "\n".join(lines)
