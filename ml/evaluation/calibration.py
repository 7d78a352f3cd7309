"""Probabilities that mean what they say: how well they do, and two ways to mend them.

A calibration maps the logit of a probability to slope x logit + intercept. It is fitted on clean validation and kept
only where the stressed validation agrees, because a validation set from the same machines as the training films is
too easy, and a fit on it makes the model more certain than it may be elsewhere.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.scored import Scored, logistic, logits
from ml.statistics import Estimate, Labels, Scores, bootstrap

BINS = 10
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

    "temperature" has a slope only (Guo et al., 2017). "platt" has an intercept too, and Platt's smoothed targets
    (1999), which keep it finite where the classes do not overlap.
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


def brier(labels: Labels, scores: Scores) -> float:
    """Return the mean squared difference between probability and outcome (Brier, 1950)."""
    return float(((scores - labels) ** 2).mean())


def bin_of(scores: Scores) -> NDArray[np.int64]:
    """Return the bin of equal width, 0 to BINS - 1, of each probability."""
    return np.minimum((scores * BINS).astype(np.int64), BINS - 1)


def reliability(labels: Labels, scores: Scores) -> list[dict[str, float]]:
    """Return mean probability, share of pneumonia and number of films of each of ten bins that holds a film."""
    place = bin_of(scores)
    return [
        {
            "probability": float(scores[place == one].mean()),
            "share": float(labels[place == one].mean()),
            "n": int((place == one).sum()),
        }
        for one in range(BINS)
        if (place == one).any()
    ]


def expected_error(labels: Labels, scores: Scores) -> float:
    """Return the expected calibration error over ten bins of equal width (Naeini et al., 2015)."""
    return float(np.abs(np.bincount(bin_of(scores), scores - labels)).sum()) / len(labels)


def quality(films: Scored, seed: int = 0) -> dict[str, Estimate]:
    """Return Brier score and ECE with their intervals over resampled patients.

    Resampling itself raises an ECE, so that its percentiles may lie above the value: its interval is the value give or
    take half their distance.
    """

    def quantities(chosen: NDArray[np.intp]) -> Mapping[str, float]:
        labels, scores = films.labels[chosen], films.scores[chosen]
        return {"Brier": brier(labels, scores), "ECE": expected_error(labels, scores)}

    drawn = bootstrap(films.patients, quantities, seed=seed)
    error = drawn["ECE"]
    half = (error.high - error.low) / 2
    return {**drawn, "ECE": replace(error, low=max(0.0, error.value - half), high=error.value + half)}


def choose(
    splits: Mapping[str, Scored], method: str, seed: int = 0
) -> tuple[Calibration, dict[str, dict[str, dict[str, Estimate]]], str]:
    """Fit every method on validation; return the one to use, Brier and ECE of each on each split, and why.

    `method` is used when it lowers the Brier score of the stressed validation; test only shows what it does there.
    """
    validation = splits["validation"]
    fitted = {name: fit(validation.labels, validation.scores, name) for name in METHODS}
    compared = {
        name: {split: quality(films.with_scores(one.apply(films.scores)), seed) for split, films in splits.items()}
        for name, one in fitted.items()
    }
    if method == "none":
        return fitted["none"], compared, "not asked for"
    before, after = (compared[name]["validation_stressed"]["Brier"].value for name in ("none", method))
    words = f"Brier score of the stressed validation {before:.4f} before and {after:.4f} after"
    if after < before:
        return fitted[method], compared, f"{method} kept: {words}"
    return fitted["none"], compared, f"{method} left out: {words}"


def as_json(one: Calibration) -> dict[str, Any]:
    """Return it as plain values."""
    return asdict(one)
