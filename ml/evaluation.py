"""From scores to a threshold and to metrics with intervals. The threshold comes from validation; test only measures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml import statistics
from ml.statistics import Estimate, Labels, Scores


@dataclass(frozen=True)
class Scored:
    """A split's films: labels and probabilities of pneumonia, shape (n,), and the patient of each."""

    labels: Labels
    scores: Scores
    patients: list[str]


def scored(films: list[Mapping[str, Any]], probabilities: Mapping[str, list[float]]) -> Scored:
    """Join the films of a split, as dataset.json lists them, with their probabilities by file."""
    kept = [film for film in films if film["file"] in probabilities]
    return Scored(
        np.array([film["label"] for film in kept], dtype=np.int64),
        np.array([probabilities[film["file"]][1] for film in kept]),
        [film["patient"] for film in kept],
    )


def metrics(split: Scored, threshold: float, seed: int = 0) -> dict[str, Estimate]:
    """Return each metric of a split at a threshold, with n and its 95 % interval."""
    counts = statistics.confusion(split.labels, split.scores, threshold)
    return {
        "AUC": statistics.auc_bootstrap(split.labels, split.scores, split.patients, seed=seed),
        "AUC (DeLong)": statistics.auc_delong(split.labels, split.scores),
        "Accuracy": counts.accuracy(),
        "Sensitivity": counts.sensitivity(),
        "Specificity": counts.specificity(),
    }


def majority_share(labels: Labels) -> Estimate:
    """Return the accuracy of always naming the more frequent class."""
    return statistics.proportion(int(max(labels.sum(), len(labels) - labels.sum())), len(labels))


def table(found: Mapping[str, Estimate], majority: Estimate) -> str:
    """Return the metrics as aligned text."""
    lines = [f"{'metric':<16}{'value':>7}  {'95 % CI':<16}n"]
    for name, one in {**found, "Majority class": majority}.items():
        unit = "patients" if name == "AUC" else "films"
        lines.append(f"{name:<16}{one.value:>7.3f}  [{one.low:.3f}, {one.high:.3f}]  {one.n} {unit}")
    return "\n".join(lines)


def as_json(found: Mapping[str, Estimate]) -> dict[str, Any]:
    """Return the metrics as plain numbers."""
    return {name: asdict(one) for name, one in found.items()}
