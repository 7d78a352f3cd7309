"""An evaluation: validation chooses, test only measures, the same scores give the same metrics."""

import csv
import io
import json

import numpy as np
import pytest

from ml.evaluation import statistics, store
from ml.evaluation.evaluate import (
    EvaluationOptions,
    Previous,
    baselines,
    compare,
    rounded_down,
    shift,
    worst_errors,
)
from ml.evaluation.scored_split import scored
from ml.evaluation.statistics import proportion

from .builders import computed, evaluated, evaluated_on_another_test_split, split, splits, without_patients


def test_the_same_scores_give_the_same_metrics_to_the_last_digit() -> None:
    assert json.dumps(computed().metrics, allow_nan=False) == json.dumps(evaluated().metrics)


def test_the_test_images_choose_nothing() -> None:
    other = evaluated_on_another_test_split()
    assert other.threshold == evaluated().threshold
    assert other.calibration == evaluated().calibration
    assert other.test["AUROC"] != evaluated().test["AUROC"]


def test_target_sensitivity_and_seed_are_those_of_the_options() -> None:
    other = computed(EvaluationOptions(target_sensitivity=0.9, seed=1))
    assert other.metrics["splits"]["validation"]["Sensitivity"]["value"] >= 0.9
    assert other.threshold > evaluated().threshold
    brier, changed = (
        metrics["calibration"]["compared"]["none"]["validation"]["Brier"]
        for metrics in (evaluated().metrics, other.metrics)
    )
    assert brier["value"] == changed["value"]
    assert brier["low"] != changed["low"]


def test_the_threshold_of_an_evaluation_is_rounded_down_and_stays_a_probability() -> None:
    threshold = evaluated().threshold
    assert round(threshold, 9) == threshold
    validation = evaluated().splits["validation"]
    assert statistics.confusion(validation.labels, validation.scores, threshold).sensitivity().value >= 0.95
    assert [rounded_down(value) for value in (0.0, 1e-12, 0.5, 1.0)] == [0.0, 0.0, 0.499999999, 0.999999999]


def test_unknown_patients_are_counted_for_each_split() -> None:
    metrics = evaluated_on_another_test_split().metrics
    assert metrics["unknown_patients"] == {"validation": 0, "validation_perturbed": 0, "test": 10}
    assert metrics["images"]["test"] == 160


def test_predictions_leave_an_unknown_patient_empty() -> None:
    raw = splits(test=without_patients(split(2, "test"), 2))
    table = store.predictions(raw, raw, 0.5, ["NORMAL", "PNEUMONIA"])
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["patient"] for row in rows if row["file"].startswith("test/")] == ["p0", "p0", *[""] * 158]


def test_a_null_patient_of_the_data_set_stays_unknown() -> None:
    images = [
        {"file": f"test/NORMAL/{number}.jpg", "label": 0, "patient": patient, "subtype": ""}
        for number, patient in enumerate((None, "a"))
    ]
    assert scored(images, {image["file"]: 0.5 for image in images}).patients == [None, "a"]


@pytest.mark.parametrize("beaten", [True, False])
def test_a_baseline_is_beaten_only_by_a_model_that_leads_clearly(beaten: bool) -> None:
    test = split(2)
    scores = np.random.default_rng(9).random(len(test)) if beaten else test.scores
    assert baselines(test, dict(zip(test.files, scores.tolist(), strict=True)), 0)["beaten"] is beaten


@pytest.mark.parametrize(("specificity", "warning"), [(96, False), (90, True)])
def test_a_fall_from_clean_to_perturbed_validation_is_a_warning(specificity: int, warning: bool) -> None:
    clean = {name: proportion(97, 100) for name in ("AUROC", "Sensitivity", "Specificity")}
    changed = shift(clean, clean | {"Specificity": proportion(specificity, 100)})
    assert changed["warning"] is warning
    assert changed["falls"]["Specificity"] == pytest.approx(0.97 - specificity / 100)


def test_an_earlier_model_on_the_same_images_is_compared() -> None:
    comparison = evaluated_on_another_test_split().metrics["comparison"]
    assert (comparison["training_job"], comparison["n"], comparison["only_this"]) == ("job-before", 160, 0)
    assert evaluated().metrics["comparison"] is None
    assert compare(split(2), 0.5, Previous("job-before", {})) is None


def test_the_worst_errors_are_errors_and_the_worst_come_first() -> None:
    errors = worst_errors(split(6), 0.5)
    missed = [score for _, score in errors["False negatives"]]
    alarms = [score for _, score in errors["False positives"]]
    assert missed == sorted(missed)
    assert alarms == sorted(alarms, reverse=True)
    assert max(missed) < 0.5 <= min(alarms)
