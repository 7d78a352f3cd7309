"""Whether probabilities mean what they say, and two ways to correct them.

A calibration maps the logit of a probability to slope x logit + intercept. It is fitted on clean validation and kept
only where the perturbed validation agrees, because a validation set from the same machines as the training images is
too easy, and a fit on it makes the model more certain than it may be elsewhere.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml.evaluation.reliability import Quality, quality
from ml.evaluation.scored_split import ScoredSplit, logistic, logits
from ml.evaluation.statistics import Labels, Scores

METHODS = ("none", "temperature", "platt")
STEPS = 100


@dataclass(frozen=True)
class Calibration:
    """`method` with its slope (1 / temperature) and intercept."""

    method: str = "none"
    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def of(cls, slope: float, intercept: float) -> "Calibration":
        """Return the calibration of these numbers; (1, 0) leaves probabilities as they are."""
        return cls("none" if (slope, intercept) == (1.0, 0.0) else "platt", slope, intercept)

    def apply(self, scores: Scores) -> Scores:
        """Return calibrated probabilities; those of "none" are the model's own, bit for bit."""
        if self.method == "none":
            return scores
        return logistic(self.slope * logits(scores) + self.intercept)


def fit(labels: Labels, scores: Scores, method: str) -> Calibration:
    """Return the calibration of least log loss by Newton's method.

    "temperature" has a slope only (Guo et al., 2017), "platt" an intercept too. Both are fitted to Platt's smoothed
    targets (1999), which keep the slope finite where the classes do not overlap. The slope is negative for scores that
    are higher for normal images; `choose` uses no such calibration.
    """
    if method == "none":
        return Calibration()
    positives, negatives = int(labels.sum()), int(len(labels) - labels.sum())
    high, low = (positives + 1) / (positives + 2), 1 / (negatives + 2)
    targets = np.where(labels == 1, high, low)
    columns = logits(scores)[:, None]
    if method == "platt":
        columns = np.hstack([columns, np.ones_like(columns)])
    weights = np.zeros(columns.shape[1])
    weights[0] = 1.0
    for _ in range(STEPS):
        probabilities = logistic(columns @ weights)
        gradient = columns.T @ (probabilities - targets)
        # The small ridge keeps the step finite where every probability is next to 0 or 1.
        curvature = (columns * (probabilities * (1 - probabilities))[:, None]).T @ columns + 1e-9 * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step * min(1.0, 1.0 / max(float(np.abs(step).max()), 1e-12))
        if float(np.abs(step).max()) < 1e-10:
            break
    return Calibration(method, float(weights[0]), float(weights[1]) if method == "platt" else 0.0)


def choose(
    splits: Mapping[str, ScoredSplit], method: str, seed: int = 0
) -> tuple[Calibration, dict[str, dict[str, Quality]], str]:
    """Fit every method on validation; return the one to use, Brier and ECE of each on each split, and why.

    `method` is used when its slope is above 0 and it lowers the Brier score of the perturbed validation; test only
    shows what it does there.
    """
    validation = splits["validation"]
    fitted = {name: fit(validation.labels, validation.scores, name) for name in METHODS}
    compared = {
        name: {split: quality(images.with_scores(one.apply(images.scores)), seed) for split, images in splits.items()}
        for name, one in fitted.items()
    }
    if method == "none":
        return fitted["none"], compared, "not asked for"
    if fitted[method].slope <= 0:
        return fitted["none"], compared, (
            f"{method} left out: its slope is {fitted[method].slope:.3g} and must be above 0. The model's scores do "
            "not rank the classes: on validation, they are higher for normal images"
        )  # fmt: skip
    before, after = (compared[name]["validation_stressed"].brier.value for name in ("none", method))
    words = f"Brier score of the perturbed validation {before:.4f} before and {after:.4f} after"
    if after < before:
        return fitted[method], compared, f"{method} kept: {words}"
    return fitted["none"], compared, f"{method} left out: {words}"


def as_json(one: Calibration) -> dict[str, Any]:
    """Return it as plain values."""
    return asdict(one)
