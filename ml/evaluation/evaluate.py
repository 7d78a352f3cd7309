"""Evaluate a model from its scores on three splits. Only validation chooses anything."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ml.evaluation import calibration, comparison, release_gate, statistics
from ml.evaluation.calibration import LogitCalibration
from ml.evaluation.curves import curves
from ml.evaluation.metrics import as_json, majority, plain, split_metrics, subgroups
from ml.evaluation.reliability import Quality
from ml.evaluation.scored_split import ScoredSplit
from ml.evaluation.statistics import IntervalEstimate
from ml.evaluation.threshold import threshold_for_sensitivity

SPLITS = ("validation", "validation_perturbed", "test")
GAP = 0.05
"""A larger fall of sensitivity or specificity from clean to perturbed validation is a shift."""


@dataclass(frozen=True)
class EvaluationOptions:
    """The options of an evaluation; sensitivity, prevalence and minimums are fractions."""

    target_sensitivity: float = 0.95
    calibration: str = "temperature"
    prevalence: float = 0.1
    minimums: Mapping[str, float] = field(default_factory=lambda: dict(release_gate.MINIMUMS))
    seed: int = 0


@dataclass(frozen=True)
class Previous:
    """An earlier model on the same data set: its job, and whether it called each test image right, by file."""

    job: str
    right: Mapping[str, bool]


@dataclass(frozen=True)
class EvaluationResult:
    """The result of an evaluation.

    Attributes:
        splits: calibrated scores by split.
        test: the metrics of the test split.
        metrics: the content of metrics.json, without the storage location, warnings and card.
    """

    threshold: float
    calibration: LogitCalibration
    splits: Mapping[str, ScoredSplit]
    test: Mapping[str, IntervalEstimate]
    metrics: dict[str, Any]


def evaluate(
    raw: Mapping[str, ScoredSplit],
    baseline: Mapping[str, float],
    previous: Previous | None,
    options: EvaluationOptions,
    collection: str | None,
) -> EvaluationResult:
    """Calibrate and choose the threshold on validation, then measure every split with them.

    Args:
        raw: the model's own probabilities, by the names in SPLITS.
        baseline: the probability of each test image by the 28-pixel logistic regression, by file.
        collection: the public collection of the data set, as named in dataset.json; None for other data.
    """
    chosen, qualities, reason = calibration.choose(raw, options.calibration, options.seed)
    splits = {name: images.with_scores(chosen.apply(images.scores)) for name, images in raw.items()}
    validation, test = splits["validation"], splits["test"]
    threshold = rounded_down(
        threshold_for_sensitivity(validation.labels, validation.scores, options.target_sensitivity)
    )
    estimates = {
        name: split_metrics(images, threshold, options.prevalence, options.seed) for name, images in splits.items()
    }
    metrics = {
        "collection": collection,
        "images": {name: len(images) for name, images in splits.items()},
        "unknown_patients": {name: images.unknown_patients for name, images in splits.items()},
        "threshold": threshold,
        "threshold_source": f"sensitivity of at least {options.target_sensitivity:g} on {len(validation)} validation "
        "images",
        "target_sensitivity": options.target_sensitivity,
        "prevalence": options.prevalence,
        "calibration": {**asdict(chosen), "why": reason, "compared": comparable(qualities)},
        "splits": {name: as_json(of_split) for name, of_split in estimates.items()},
        "confusion": vars(statistics.confusion(test.labels, test.scores, threshold)),
        "subgroups": {name: as_json(of_group) for name, of_group in subgroups(test, threshold).items()},
        "baselines": baselines(test, baseline, options.seed),
        "shift": shift(estimates["validation"], estimates["validation_perturbed"]),
        "comparison": compare(test, threshold, previous),
        "curves": curves(splits, threshold, np.array([baseline[file] for file in test.files])),
        "gate": release_gate.judge(estimates["test"], options.minimums),
        "external": {},
    }
    return EvaluationResult(threshold, chosen, splits, estimates["test"], metrics)


def rounded_down(probability: float) -> float:
    """Return the multiple of 1e-9 below a probability, at least 1e-12 below it, and at least 0.

    The threshold equals the probability of an image, often of several. The API computes probabilities with `math`
    instead of NumPy, which may differ in the last bit, and must call these images as the evaluation does.
    """
    return max(0.0, math.floor((probability - 1e-12) * 1e9) / 1e9)


def comparable(qualities: Mapping[str, Mapping[str, Quality]]) -> dict[str, Any]:
    """Return Brier score and expected calibration error (ECE) of each method on each split as plain numbers."""
    return {
        method: {
            name: {"Brier": plain(quality.brier), "ECE": plain(quality.calibration_error)}
            for name, quality in of_method.items()
        }
        for method, of_method in qualities.items()
    }


def baselines(test: ScoredSplit, baseline: Mapping[str, float], seed: int) -> dict[str, Any]:
    """Return the majority class's accuracy, the 28-pixel regression's AUROC, and the model's lead over the latter."""
    regression, lead = comparison.auc_difference(test, baseline, seed)
    return {
        "Accuracy of the majority class": plain(majority(test.labels)),
        "AUROC of the 28-pixel logistic regression": plain(regression),
        "AUROC lead of the model": plain(lead),
        "beaten": lead.low > 0,
    }


def shift(clean: Mapping[str, IntervalEstimate], perturbed: Mapping[str, IntervalEstimate]) -> dict[str, Any]:
    """Return by how much AUROC, sensitivity and specificity fall from clean to perturbed validation."""
    falls = {name: clean[name].value - perturbed[name].value for name in ("AUROC", "Sensitivity", "Specificity")}
    known = {name: fall for name, fall in falls.items() if not math.isnan(fall)}
    return {"falls": known, "warning": any(known.get(name, 0) > GAP for name in ("Sensitivity", "Specificity"))}


def compare(test: ScoredSplit, threshold: float, previous: Previous | None) -> dict[str, Any] | None:
    """Return McNemar's test against an earlier model; None without one that scored the same images."""
    if previous is None:
        return None
    result = comparison.mcnemar(test, threshold, previous.right)
    return None if result is None else {"training_job": previous.job, **result}


def worst_errors(test: ScoredSplit, threshold: float, count: int = 8) -> dict[str, list[tuple[str, float]]]:
    """Return the false negatives of lowest and the false positives of highest probability, as (file, probability)."""
    missed = (test.labels == 1) & (test.scores < threshold)
    alarms = (test.labels == 0) & (test.scores >= threshold)
    order = np.argsort(test.scores, kind="stable")
    return {
        "False negatives": [(test.files[i], float(test.scores[i])) for i in order if missed[i]][:count],
        "False positives": [(test.files[i], float(test.scores[i])) for i in order[::-1] if alarms[i]][:count],
    }
