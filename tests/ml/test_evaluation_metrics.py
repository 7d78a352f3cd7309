"""Metrics of a split, the comparison of two models, and the release gate."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, matthews_corrcoef

from ml.evaluation import comparison, metrics, release_gate, reliability, statistics
from ml.evaluation.predictive_values import predictive_values

from .builders import evaluated, split, without_patients


def test_every_metric_has_n_and_an_interval_that_contains_it() -> None:
    for name, estimate in evaluated().test.items():
        assert estimate.n == 80 if estimate.unit == "patients" else 0 < estimate.n <= 160, name
        assert estimate.low <= estimate.value <= estimate.high, name


def test_the_metrics_are_those_of_scikit_learn() -> None:
    images = split(3)
    labels, called = images.labels, images.scores >= 0.4
    estimates = metrics.split_metrics(images, 0.4, 0.1)
    assert estimates["MCC"].value == pytest.approx(matthews_corrcoef(labels, called))
    assert estimates["Balanced accuracy"].value == pytest.approx(balanced_accuracy_score(labels, called))
    assert estimates["Accuracy"].value == pytest.approx((labels == called).mean())


def test_predictive_values_follow_from_bayes_theorem() -> None:
    counts = statistics.Confusion(true_positive=90, false_negative=10, true_negative=80, false_positive=20)
    positive, negative = predictive_values(counts, 0.1)
    assert positive.value == pytest.approx(0.09 / (0.09 + 0.18))
    assert negative.value == pytest.approx(0.72 / (0.72 + 0.01))
    own = [estimate.value for estimate in predictive_values(counts, 0.5)]
    assert own == pytest.approx([counts.positive_predictive_value().value, counts.negative_predictive_value().value])


def test_a_predictive_value_without_an_error_is_not_certain() -> None:
    counts = statistics.Confusion(true_positive=450, false_negative=24, true_negative=166, false_positive=0)
    positive, _ = predictive_values(counts, 0.1)
    assert (positive.value, positive.high) == (1.0, 1.0)
    assert 0.7 < positive.low < 0.9
    nothing = statistics.Confusion(true_positive=0, false_negative=20, true_negative=20, false_positive=0)
    assert math.isnan(predictive_values(nothing, 0.1)[0].value)
    one_class = statistics.Confusion(true_positive=9, false_negative=1, true_negative=0, false_positive=0)
    assert all(math.isnan(estimate.low) for estimate in predictive_values(one_class, 0.1))


@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.95, 0.9), (0.98, 0.995), (0.7, 0.6)])
def test_the_interval_of_a_predictive_value_contains_the_truth_in_95_of_100_samples(
    sensitivity: float, specificity: float
) -> None:
    rng = np.random.default_rng(0)
    truth = 0.1 * sensitivity / (0.1 * sensitivity + 0.9 * (1 - specificity))
    contained = 0
    for hits, passes in zip(rng.binomial(206, sensitivity, 2000), rng.binomial(129, specificity, 2000), strict=True):
        counts = statistics.Confusion(int(hits), 129 - int(passes), int(passes), 206 - int(hits))
        positive, _ = predictive_values(counts, 0.1)
        contained += positive.low <= truth <= positive.high
    assert 0.93 <= contained / 2000 <= 0.99


def test_subgroups_give_sensitivity_to_pneumonia_and_specificity_to_normals() -> None:
    groups = evaluated().metrics["subgroups"]
    assert {name: next(iter(group)) for name, group in groups.items()} == {
        "Bacterial": "Sensitivity",
        "Viral": "Sensitivity",
        "IM": "Specificity",
    }
    images = split(2)
    pairs = list(zip(images.labels, images.subtypes, strict=True))
    assert groups["Bacterial"]["Sensitivity"]["n"] == pairs.count((1, "bacteria"))


def test_a_subtype_in_both_classes_is_reported_by_class() -> None:
    images = split(2)
    groups = metrics.subgroups(replace(images, subtypes=["im"] * len(images)), 0.5)
    assert {name: next(iter(group)) for name, group in groups.items()} == {
        "IM (NORMAL)": "Specificity",
        "IM (PNEUMONIA)": "Sensitivity",
    }
    assert groups["IM (PNEUMONIA)"]["Sensitivity"].n == int(images.labels.sum())


@pytest.mark.parametrize(
    ("known", "n", "unit"),
    [
        (160, 80, "patients"),
        (40, 140, "groups (20 patients, 120 images of unknown patients)"),
        (0, 160, "images of unknown patients"),
    ],
)
def test_images_of_unknown_patients_are_resampled_one_by_one(known: int, n: int, unit: str) -> None:
    images = without_patients(split(2), known)
    estimates = metrics.split_metrics(images, 0.5, 0.1)
    for name in ("AUROC", "MCC", "Average precision"):
        assert (estimates[name].n, estimates[name].unit) == (n, unit), name
    error = reliability.calibration_error(images, draws=1)
    assert (error.n, error.unit) == (n, unit)


def test_an_undefined_metric_becomes_null_in_json() -> None:
    unknown = {"PPV": statistics.proportion(0, 0)}
    assert json.loads(json.dumps(metrics.as_json(unknown), allow_nan=False))["PPV"]["value"] is None


def test_a_metric_without_an_interval_is_printed_without_one() -> None:
    lines = metrics.table({"PPV": statistics.proportion(0, 0), "NPV": statistics.proportion(1, 2)}).splitlines()
    assert "nan" not in lines[1]
    assert "[" not in lines[1]
    assert "undefined" in lines[1]
    assert "[0.095, 0.905]" in lines[2]


def test_mcnemar_counts_the_images_only_one_model_called_right() -> None:
    images = split(4)
    now = (images.scores >= 0.5) == (images.labels == 1)
    before = {file: bool(right) for file, right in zip(images.files, now, strict=True)}
    assert comparison.mcnemar(images, 0.5, before) == {"n": 160, "only_this": 0, "only_other": 0, "p": 1.0}
    flipped = [file for file in images.files if before[file]][:9]
    result = comparison.mcnemar(images, 0.5, before | dict.fromkeys(flipped, False))
    assert result == {"n": 160, "only_this": 9, "only_other": 0, "p": pytest.approx(2 / 2**9)}
    assert comparison.mcnemar(images, 0.5, {}) is None


def test_the_gate_judges_the_lower_bounds() -> None:
    test = {"AUROC": statistics.IntervalEstimate(0.95, 0.852, 0.98, 80)}
    assert release_gate.judge(test, {"AUROC": 0.852})["passed"] is True
    gate = release_gate.judge(test, {"AUROC": 0.9})
    assert gate["passed"] is gate["rules"][0]["passed"] is False
    for text in ("AUROC", "0.852", "0.9"):
        assert text in gate["sentence"]


def test_an_undefined_lower_bound_does_not_pass() -> None:
    gate = release_gate.judge({"AUROC": statistics.IntervalEstimate(1.0, math.nan, math.nan, 1)}, {"AUROC": 0.0})
    assert (gate["passed"], gate["rules"][0]["low"]) == (False, None)
    assert "undefined" in gate["sentence"]
