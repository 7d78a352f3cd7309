"""Everything that is said of a model, from the scores of three splits. Only validation chooses anything."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ml.evaluation import calibration, comparison, release_gate, statistics
from ml.evaluation.calibration import Calibration
from ml.evaluation.curves import curves
from ml.evaluation.metrics import as_json, majority, metrics, plain, subgroups
from ml.evaluation.scored_split import ScoredSplit
from ml.evaluation.statistics import Estimate

SPLITS = ("validation", "validation_stressed", "test")
GAP = 0.05
"""Fall of specificity or sensitivity from clean to perturbed validation that is called a shift."""


@dataclass(frozen=True)
class EvaluationOptions:
    """What the person at the keyboard decides; shares in (0, 1)."""

    target_sensitivity: float = 0.95
    calibration: str = "temperature"
    prevalence: float = 0.1
    minimums: Mapping[str, float] = field(default_factory=lambda: dict(release_gate.MINIMUMS))
    seed: int = 0


@dataclass(frozen=True)
class Previous:
    """An earlier model on the same data set: its job, and which test images it called right, by file."""

    job: str
    right: Mapping[str, bool]


@dataclass(frozen=True)
class Evaluation:
    """What was found, with the calibrated scores it rests on.

    Attributes:
        facts: metrics.json, all but where things are stored and what is said of them.
        splits: calibrated scores by split.
    """

    threshold: float
    calibration: Calibration
    splits: Mapping[str, ScoredSplit]
    test: Mapping[str, Estimate]
    facts: dict[str, Any]


def evaluate(
    raw: Mapping[str, ScoredSplit],
    baseline: Mapping[str, float],
    previous: Previous | None,
    choices: EvaluationOptions,
    collection: str | None,
) -> Evaluation:
    """Calibrate and choose the threshold on validation, then measure every split with them.

    Args:
        raw: the model's own probabilities, by the names in SPLITS.
        baseline: the 28-pixel logistic regression's probability of each test image, by file.
        collection: the public collection that the data set comes from, as dataset.json names it; None for other data.
    """
    chosen, compared, why = calibration.choose(raw, choices.calibration, choices.seed)
    splits = {name: images.with_scores(chosen.apply(images.scores)) for name, images in raw.items()}
    validation, test = splits["validation"], splits["test"]
    at = statistics.threshold_for_sensitivity(validation.labels, validation.scores, choices.target_sensitivity)
    threshold = rounded_down(at)
    found = {name: metrics(images, threshold, choices.prevalence, choices.seed) for name, images in splits.items()}
    rules = release_gate.judge(found["test"], choices.minimums)
    facts = {
        "collection": collection,
        "images": {name: len(images) for name, images in splits.items()},
        "unknown_patients": {name: images.unknown_patients for name, images in splits.items()},
        "threshold": threshold,
        "threshold_source": f"sensitivity of at least {choices.target_sensitivity:g} on {len(validation)} validation "
        "images",
        "target_sensitivity": choices.target_sensitivity,
        "prevalence": choices.prevalence,
        "calibration": {
            **calibration.as_json(chosen),
            "why": why,
            "compared": {
                method: {name: {"Brier": plain(one.brier), "ECE": plain(one.error)} for name, one in of_splits.items()}
                for method, of_splits in compared.items()
            },
        },
        "splits": {name: as_json(one) for name, one in found.items()},
        "confusion": vars(statistics.confusion(test.labels, test.scores, threshold)),
        "subgroups": {name: as_json(one) for name, one in subgroups(test, threshold).items()},
        "baselines": baselines(test, baseline, choices.seed),
        "shift": shift(found["validation"], found["validation_stressed"]),
        "comparison": compare(test, threshold, previous),
        "curves": curves(splits, threshold, np.array([baseline[file] for file in test.files])),
        "gate": {
            "passed": all(rule["passed"] for rule in rules),
            "rules": rules,
            "sentence": release_gate.sentence(rules),
        },
    }
    return Evaluation(threshold, chosen, splits, found["test"], facts)


def rounded_down(probability: float) -> float:
    """Return the multiple of 1e-9 below a probability, at least 1e-12 below it, and at least 0.

    A threshold is the probability of an image, often of several. The API computes it with `math` and not NumPy, which
    may differ in the last bit, and has to call these images as the evaluation does.
    """
    return max(0.0, math.floor((probability - 1e-12) * 1e9) / 1e9)


def baselines(test: ScoredSplit, baseline: Mapping[str, float], seed: int) -> dict[str, Any]:
    """Return what needs no network: the majority class, and the 28-pixel regression with the model's lead over it."""
    other, lead = comparison.auc_difference(test, baseline, seed)
    return {
        "Accuracy of the majority class": plain(majority(test.labels)),
        "AUROC of the 28-pixel logistic regression": plain(other),
        "AUROC lead of the model": plain(lead),
        "beaten": lead.low > 0,
    }


def shift(clean: Mapping[str, Estimate], perturbed: Mapping[str, Estimate]) -> dict[str, Any]:
    """Return how far sensitivity, specificity and AUROC fall when the validation images are perturbed."""
    falls = {name: clean[name].value - perturbed[name].value for name in ("AUROC", "Sensitivity", "Specificity")}
    known = {name: fall for name, fall in falls.items() if not math.isnan(fall)}
    return {"falls": known, "warning": any(known.get(name, 0) > GAP for name in ("Sensitivity", "Specificity"))}


def compare(test: ScoredSplit, threshold: float, previous: Previous | None) -> dict[str, Any] | None:
    """Return McNemar's test against an earlier model; None where there is none with images in common."""
    if previous is None:
        return None
    found = comparison.mcnemar(test, threshold, previous.right)
    return None if found is None else {"training_job": previous.job, **found}


def worst(test: ScoredSplit, threshold: float, count: int = 8) -> dict[str, list[tuple[str, float]]]:
    """Return the false negatives of lowest and the false positives of highest probability, as (file, probability)."""
    missed = (test.labels == 1) & (test.scores < threshold)
    alarms = (test.labels == 0) & (test.scores >= threshold)
    order = np.argsort(test.scores, kind="stable")
    return {
        "False negatives": [(test.files[i], float(test.scores[i])) for i in order if missed[i]][:count],
        "False positives": [(test.files[i], float(test.scores[i])) for i in order[::-1] if alarms[i]][:count],
    }
