"""The metrics of a split at a threshold, each with n and its 95 % interval."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from ml.dataset.radiographs import CLASSES
from ml.evaluation import statistics
from ml.evaluation.auroc import auroc
from ml.evaluation.predictive_values import predictive_values
from ml.evaluation.reliability import CalibrationError
from ml.evaluation.scored_split import ScoredSplit
from ml.evaluation.statistics import IntervalEstimate, Labels, Scores, Times

SUBTYPES = {"bacteria": "Bacterial", "virus": "Viral", "im": "IM", "normal2": "NORMAL2"}
"""Subtypes of images in the public collection, by their name in dataset.json."""


def split_metrics(
    split: ScoredSplit, threshold: float, prevalence: float, seed: int = 0
) -> dict[str, IntervalEstimate]:
    """Return each metric by its name.

    Proportions have Wilson's interval over images. Predictive values at another prevalence have an interval computed
    from these. The AUROC has a score interval over patients. The other metrics have a percentile interval over 2,000
    draws of patients.

    Args:
        prevalence: fraction of pneumonia, in (0, 1), for which predictive values are given besides the split's own.
    """
    counts = statistics.confusion(split.labels, split.scores, threshold)

    labels, scores, called = split.labels, split.scores, split.scores >= threshold

    def quantities(times: Times) -> Mapping[str, Scores]:
        return {
            "Average precision": statistics.average_precision(labels, scores, times),
            "Balanced accuracy": statistics.balanced_accuracy(labels, called, times),
            "MCC": statistics.matthews(labels, called, times),
        }

    resampled = statistics.bootstrap(split.patients, quantities, seed=seed)
    positive, negative = predictive_values(counts, prevalence)
    return {
        "AUROC": auroc(split.labels, split.scores, split.patients),
        "Average precision": resampled.pop("Average precision"),
        "Sensitivity": counts.sensitivity(),
        "Specificity": counts.specificity(),
        "PPV": counts.positive_predictive_value(),
        "NPV": counts.negative_predictive_value(),
        "Accuracy": counts.accuracy(),
        f"PPV at prevalence {prevalence:g}": positive,
        f"NPV at prevalence {prevalence:g}": negative,
        **resampled,
    }


def majority(labels: Labels) -> IntervalEstimate:
    """Return the accuracy of always answering with the more frequent class."""
    return statistics.proportion(int(max(labels.sum(), len(labels) - labels.sum())), len(labels))


def subgroups(split: ScoredSplit, threshold: float) -> dict[str, dict[str, IntervalEstimate]]:
    """Return sensitivity or specificity of each subtype, and its AUROC against all images of the other class.

    A subtype with images of both classes gives two subgroups, named after subtype and class.
    """
    groups = {}
    pairs = set(zip(split.subtypes, split.labels.tolist(), strict=True))
    for subtype, label in sorted(pair for pair in pairs if pair[0] in SUBTYPES):
        inside = np.array([name == subtype for name in split.subtypes]) & (split.labels == label)
        counts = statistics.confusion(split.labels[inside], split.scores[inside], threshold)
        fraction = {"Sensitivity": counts.sensitivity()} if label else {"Specificity": counts.specificity()}
        against = split.where(inside | (split.labels != label))
        mixed = (subtype, 1 - label) in pairs
        name = f"{SUBTYPES[subtype]} ({CLASSES[label]})" if mixed else SUBTYPES[subtype]
        groups[name] = {**fraction, "AUROC": auroc(against.labels, against.scores, against.patients)}
    return groups


def table(estimates: Mapping[str, IntervalEstimate]) -> str:
    """Return metrics as aligned text."""
    width = max(map(len, estimates)) + 2
    lines = [f"{'metric':<{width}}{'value':>9}  {'95 % CI':<16}n"]
    for name, estimate in estimates.items():
        value = "undefined" if math.isnan(estimate.value) else f"{estimate.value:.3f}"
        interval = "" if math.isnan(estimate.low) else f"[{estimate.low:.3f}, {estimate.high:.3f}]"
        lines.append(f"{name:<{width}}{value:>9}  {interval:<14}  {estimate.n} {estimate.unit}")
    return "\n".join(lines)


def as_json(estimates: Mapping[str, IntervalEstimate]) -> dict[str, Any]:
    """Return metrics as plain numbers with all digits."""
    return {name: plain(estimate) for name, estimate in estimates.items()}


def plain(estimate: IntervalEstimate | CalibrationError) -> dict[str, Any]:
    """Return an estimate as plain numbers; NaN, which JSON does not have, becomes null."""
    values = asdict(estimate).items()
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in values}
