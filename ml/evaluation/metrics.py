"""The metrics of a split at a threshold, each with n and its 95 % interval. They measure and choose nothing."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml import statistics
from ml.evaluation.predictive import predictive_values
from ml.evaluation.scored import Scored
from ml.statistics import Estimate, Labels

KINDS = {"bacteria": "Bacterial", "virus": "Viral", "im": "IM", "normal2": "NORMAL2"}
"""Kinds of films in the public collection, by what its file names say."""


def metrics(split: Scored, threshold: float, prevalence: float, seed: int = 0) -> dict[str, Estimate]:
    """Return each metric by its name.

    Proportions have Wilson's interval over films, and so have, through their likelihood ratio, predictive values at
    another prevalence; the rest has a percentile interval over resampled patients, and DeLong's stands beside it for
    the AUROC.

    Args:
        prevalence: share of pneumonia, in (0, 1), for which the predictive values are given besides the split's own.
    """
    counts = statistics.confusion(split.labels, split.scores, threshold)

    def quantities(chosen: NDArray[np.intp]) -> Mapping[str, float]:
        labels, scores = split.labels[chosen], split.scores[chosen]
        here = statistics.confusion(labels, scores, threshold)
        return {
            "AUROC": statistics.auc(labels, scores),
            "Average precision": statistics.average_precision(labels, scores),
            "Balanced accuracy": here.balanced_accuracy(),
            "MCC": here.matthews(),
        }

    drawn = statistics.bootstrap(split.patients, quantities, seed=seed)
    positive, negative = predictive_values(counts, prevalence)
    return {
        "AUROC": drawn.pop("AUROC"),
        "AUROC (DeLong)": statistics.auc_delong(split.labels, split.scores),
        "Average precision": drawn.pop("Average precision"),
        "Sensitivity": counts.sensitivity(),
        "Specificity": counts.specificity(),
        "PPV": counts.positive_predictive_value(),
        "NPV": counts.negative_predictive_value(),
        "Accuracy": counts.accuracy(),
        f"PPV at prevalence {prevalence:g}": positive,
        f"NPV at prevalence {prevalence:g}": negative,
        **drawn,
    }


def majority(labels: Labels) -> Estimate:
    """Return the accuracy of always naming the more frequent class."""
    return statistics.proportion(int(max(labels.sum(), len(labels) - labels.sum())), len(labels))


def subgroups(split: Scored, threshold: float) -> dict[str, dict[str, Estimate]]:
    """Return sensitivity or specificity of each kind of film, and its AUROC against all films of the other class."""
    found = {}
    for kind in sorted(set(split.kinds) & set(KINDS)):
        inside = np.array([one == kind for one in split.kinds])
        (label,) = set(split.labels[inside].tolist())
        counts = statistics.confusion(split.labels[inside], split.scores[inside], threshold)
        share = {"Sensitivity": counts.sensitivity()} if label else {"Specificity": counts.specificity()}
        against = split.where(inside | (split.labels != label))
        found[KINDS[kind]] = {**share, "AUROC": statistics.auc_delong(against.labels, against.scores)}
    return found


def table(found: Mapping[str, Estimate]) -> str:
    """Return metrics as aligned text."""
    width = max(map(len, found)) + 2
    lines = [f"{'metric':<{width}}{'value':>6}  {'95 % CI':<16}n"]
    for name, one in found.items():
        lines.append(f"{name:<{width}}{one.value:>6.3f}  [{one.low:.3f}, {one.high:.3f}]  {one.n} {one.unit}")
    return "\n".join(lines)


def as_json(found: Mapping[str, Estimate]) -> dict[str, Any]:
    """Return metrics as plain numbers, all digits kept; NaN, which JSON has not, becomes null."""
    return {
        name: {
            key: None if isinstance(value, float) and math.isnan(value) else value for key, value in asdict(one).items()
        }
        for name, one in found.items()
    }
