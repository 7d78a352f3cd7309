"""Calibrate probabilities by temperature or Platt scaling.

A calibration maps the logit of a probability to slope x logit + intercept. It is fitted on clean validation, and used
only if it also improves the perturbed validation. Validation images come from the same machines as the training
images. A calibration fitted on them alone makes the model too certain about images from elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml.evaluation.reliability import Quality, quality
from ml.evaluation.scored_split import ScoredSplit, logistic, logits
from ml.evaluation.statistics import Labels, Scores

METHODS = ("none", "temperature", "platt")
STEPS = 100


@dataclass(frozen=True)
class LogitCalibration:
    """`method` with its slope (1 / temperature) and intercept."""

    method: str = "none"
    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def of(cls, slope: float, intercept: float) -> "LogitCalibration":
        """Return the calibration with these numbers; (1, 0) leaves probabilities unchanged."""
        return cls("none" if (slope, intercept) == (1.0, 0.0) else "platt", slope, intercept)

    def apply(self, scores: Scores) -> Scores:
        """Return calibrated probabilities; "none" returns the model's own, bit for bit."""
        if self.method == "none":
            return scores
        return logistic(self.slope * logits(scores) + self.intercept)


def fit(labels: Labels, scores: Scores, method: str) -> LogitCalibration:
    """Return the calibration with the least log loss, by Newton's method.

    "temperature" has only a slope (Guo et al., 2017), "platt" also an intercept. Both are fitted to Platt's smoothed
    targets (1999), which keep the slope finite where the classes do not overlap. The slope is negative if scores are
    higher for normal images; `choose` rejects such a calibration.
    """
    if method == "none":
        return LogitCalibration()
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
        # The small ridge keeps the step finite where every probability is near 0 or 1.
        curvature = (columns * (probabilities * (1 - probabilities))[:, None]).T @ columns + 1e-9 * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        weights = weights - step * min(1.0, 1.0 / max(float(np.abs(step).max()), 1e-12))
        if float(np.abs(step).max()) < 1e-10:
            break
    return LogitCalibration(method, float(weights[0]), float(weights[1]) if method == "platt" else 0.0)


def choose(
    splits: Mapping[str, ScoredSplit], method: str, seed: int = 0
) -> tuple[LogitCalibration, dict[str, dict[str, Quality]], str]:
    """Fit every method on validation; return the calibration to use, the quality of each, and the reason.

    `method` is used if its slope is above 0 and it lowers the Brier score of the perturbed validation. Test images are
    measured, but have no influence.

    Returns:
        the calibration; Brier score and calibration error by method and split; the reason in words.
    """
    validation = splits["validation"]
    fitted = {name: fit(validation.labels, validation.scores, name) for name in METHODS}
    qualities = {
        name: {
            split: quality(images.with_scores(calibration.apply(images.scores)), seed)
            for split, images in splits.items()
        }
        for name, calibration in fitted.items()
    }
    if method == "none":
        return fitted["none"], qualities, "not requested"
    slope = fitted[method].slope
    if slope <= 0:
        reason = f"its slope is {slope:.3g} and must be above 0: on validation, scores are higher for normal images"
        return fitted["none"], qualities, f"{method} is not used: {reason}"
    before, after = (qualities[name]["validation_perturbed"].brier.value for name in ("none", method))
    reason = f"the Brier score of the perturbed validation is {before:.4f} without it and {after:.4f} with it"
    if after < before:
        return fitted[method], qualities, f"{method} is used: {reason}"
    return fitted["none"], qualities, f"{method} is not used: {reason}"
