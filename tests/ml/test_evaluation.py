"""From scores to what is said of a model: validation chooses, test only measures."""

import csv
import functools
import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from inference_proxy.prediction import calibrated
from sklearn.metrics import balanced_accuracy_score, matthews_corrcoef

from ml.evaluation import calibration, comparison, metrics, release_gate, reliability, statistics, store
from ml.evaluation.evaluate import SPLITS, Evaluation, EvaluationOptions, Previous, evaluate, rounded_down, worst
from ml.evaluation.predictive_values import predictive_values
from ml.evaluation.scored_split import ScoredSplit, logistic, logits, scored


def split(seed: int, name: str = "test", images: int = 160, shift: float = 2.0, spread: float = 1.0) -> ScoredSplit:
    """Images whose logits of the two classes lie `shift` apart; two images a patient."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(images) < 0.6).astype(np.int64)
    scores = logistic(spread * (rng.normal(size=images) + shift * (labels - 0.5)))
    subtypes = [("bacteria" if number % 2 else "virus") if label else "im" for number, label in enumerate(labels)]
    files = [f"{name}/{label}/{number}.jpg" for number, label in enumerate(labels)]
    return ScoredSplit(labels, scores, [f"p{number // 2}" for number in range(images)], files, subtypes)


def splits(**changes: ScoredSplit) -> dict[str, ScoredSplit]:
    return {name: split(number, name) for number, name in enumerate(SPLITS)} | changes


def computed(
    choices: EvaluationOptions | None = None, previous: Previous | None = None, **changes: ScoredSplit
) -> Evaluation:
    given = splits(**changes)
    rng = np.random.default_rng(9)
    baseline = {file: float(rng.random()) for file in given["test"].files}
    return evaluate(given, baseline, previous, choices or EvaluationOptions(), "chest-xray-pneumonia")


@functools.cache
def evaluated() -> Evaluation:
    return computed()


def without_patients(images: ScoredSplit, known: int = 0) -> ScoredSplit:
    """The same images, of which only the first have a patient."""
    return replace(images, patients=[*images.patients[:known], *[None] * (len(images) - known)])


def test_every_metric_carries_n_and_an_interval_that_holds_it() -> None:
    for name, one in evaluated().test.items():
        assert one.n == 80 if one.unit == "patients" else 0 < one.n <= 160, name
        assert one.low <= one.value <= one.high, name


def test_the_metrics_are_those_of_scikit_learn() -> None:
    one = split(3)
    counts = statistics.confusion(one.labels, one.scores, 0.4)
    called = one.scores >= 0.4
    assert counts.matthews() == pytest.approx(matthews_corrcoef(one.labels, called))
    assert counts.balanced_accuracy() == pytest.approx(balanced_accuracy_score(one.labels, called))


def test_predictive_values_follow_from_bayes_theorem() -> None:
    counts = statistics.Confusion(true_positive=90, false_negative=10, true_negative=80, false_positive=20)
    positive, negative = predictive_values(counts, 0.1)
    assert positive.value == pytest.approx(0.09 / (0.09 + 0.18))
    assert negative.value == pytest.approx(0.72 / (0.72 + 0.01))
    own = [one.value for one in predictive_values(counts, 0.5)]
    assert own == pytest.approx([counts.positive_predictive_value().value, counts.negative_predictive_value().value])


def test_a_predictive_value_without_an_error_is_not_certain() -> None:
    counts = statistics.Confusion(true_positive=450, false_negative=24, true_negative=166, false_positive=0)
    positive, _ = predictive_values(counts, 0.1)
    assert (positive.value, positive.high) == (1.0, 1.0)
    assert 0.7 < positive.low < 0.9
    nothing = statistics.Confusion(true_positive=0, false_negative=20, true_negative=20, false_positive=0)
    assert math.isnan(predictive_values(nothing, 0.1)[0].value)
    one_class = statistics.Confusion(true_positive=9, false_negative=1, true_negative=0, false_positive=0)
    assert all(math.isnan(one.low) for one in predictive_values(one_class, 0.1))


@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.95, 0.9), (0.98, 0.995), (0.7, 0.6)])
def test_the_interval_of_a_predictive_value_holds_the_truth_in_95_of_100_samples(
    sensitivity: float, specificity: float
) -> None:
    rng = np.random.default_rng(0)
    truth = 0.1 * sensitivity / (0.1 * sensitivity + 0.9 * (1 - specificity))
    held = 0
    for hits, passes in zip(rng.binomial(206, sensitivity, 2000), rng.binomial(129, specificity, 2000), strict=True):
        counts = statistics.Confusion(int(hits), 129 - int(passes), int(passes), 206 - int(hits))
        positive, _ = predictive_values(counts, 0.1)
        held += positive.low <= truth <= positive.high
    assert 0.93 <= held / 2000 <= 0.99


def test_the_brier_score_lies_within_its_interval_over_patients() -> None:
    for one in (split(0), split(3)):
        found = reliability.quality(one).brier
        assert found.low < found.value < found.high
        assert (found.n, found.unit) == (80, "patients")


def test_the_error_of_a_perfectly_calibrated_model_lies_in_the_range_of_chance() -> None:
    """Of 95 in 100 data sets; 90 leaves room for the 200 that are drawn here."""
    held = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        scores = rng.beta(0.4, 0.3, 335)
        labels = (rng.random(335) < scores).astype(np.int64)
        images = ScoredSplit(labels, scores, [None] * 335, [""] * 335, [""] * 335)
        error = reliability.calibration_error(images, seed, draws=200)
        held += error.chance_low <= error.value <= error.chance_high
    assert 0.90 <= held / 200 <= 0.99


def test_the_error_of_a_model_that_is_too_certain_lies_above_the_range_of_chance() -> None:
    rng = np.random.default_rng(0)
    true = rng.random(335)
    labels = (rng.random(335) < true).astype(np.int64)
    images = ScoredSplit(labels, logistic(3 * logits(true)), [None] * 335, [""] * 335, [""] * 335)
    error = reliability.calibration_error(images)
    assert error.value > error.chance_high
    assert (error.n, error.unit) == (335, "images of unknown patients")


def test_images_of_one_patient_widen_what_chance_gives() -> None:
    one = split(3, images=300)
    alone = reliability.calibration_error(without_patients(one))
    together = reliability.calibration_error(replace(one, patients=[f"p{number // 10}" for number in range(300)]))
    assert together.chance_high > 1.2 * alone.chance_high
    assert together.value == alone.value


@pytest.mark.parametrize(("images", "bins"), [(335, 10), (160, 10), (60, 6), (5, 1)])
def test_bins_hold_equal_numbers_of_images(images: int, bins: int) -> None:
    counts = np.bincount(reliability.bin_of(split(1, images=images).scores))
    assert len(counts) == bins
    assert counts.max() - counts.min() <= 1


def test_images_of_one_probability_are_in_one_bin() -> None:
    scores = np.array([1.0] * 50 + [0.2] * 10 + [0.0] * 20 + [0.5] * 20)
    places = reliability.bin_of(scores)
    assert [len(set(places[scores == value])) for value in (0.0, 0.2, 0.5, 1.0)] == [1, 1, 1, 1]
    assert sorted(set(places)) == list(range(len(set(places))))
    found = reliability.reliability((scores > 0.3).astype(np.int64), scores)
    assert sum(one["n"] for one in found) == 100
    last = found[-1]
    assert (last["n"], last["fraction"], last["high"]) == (50, 1.0, 1.0)
    assert last["low"] == statistics.proportion(50, 50).low


def test_the_same_scores_give_the_same_facts_to_the_last_digit() -> None:
    assert json.dumps(computed().facts) == json.dumps(evaluated().facts)
    assert json.dumps(computed(EvaluationOptions(seed=1)).facts) != json.dumps(evaluated().facts)


def test_the_test_images_choose_nothing() -> None:
    turned = split(2)
    other = computed(test=replace(turned, labels=1 - turned.labels, subtypes=[""] * len(turned)))
    assert other.threshold == evaluated().threshold
    assert other.calibration == evaluated().calibration
    assert other.test["AUROC"] != evaluated().test["AUROC"]


def test_the_threshold_reaches_the_target_on_validation() -> None:
    found = computed(EvaluationOptions(target_sensitivity=0.9))
    assert found.facts["splits"]["validation"]["Sensitivity"]["value"] >= 0.9
    assert found.threshold > computed(EvaluationOptions(target_sensitivity=0.99)).threshold


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_a_calibration_undoes_what_was_done_to_the_logits(method: str) -> None:
    rng = np.random.default_rng(0)
    true = rng.random(20_000)
    labels = (rng.random(20_000) < true).astype(np.int64)
    bent = logistic(2.5 * logits(true) + (0.8 if method == "platt" else 0.0))
    fitted = calibration.fit(labels, bent, method)
    assert fitted.slope == pytest.approx(1 / 2.5, abs=0.02)
    assert np.abs(fitted.apply(bent) - true).max() < 0.02
    assert (
        reliability.expected_calibration_error(labels, fitted.apply(bent))
        < 0.02
        < reliability.expected_calibration_error(labels, bent)
    )


def test_a_calibration_changes_no_order_and_no_call() -> None:
    one = split(5)
    fitted = calibration.fit(one.labels, one.scores, "platt")
    assert np.array_equal(np.argsort(fitted.apply(one.scores)), np.argsort(one.scores))


def test_a_calibration_is_kept_only_where_the_perturbed_validation_agrees() -> None:
    certain = split(0, "validation", shift=6, spread=0.3)
    agreeing, contrary = split(1, shift=6, spread=0.3), split(1, shift=0.2, spread=1.5)
    kept, _, why = calibration.choose(splits(validation=certain, validation_stressed=agreeing), "temperature")
    assert (kept.method, why.split(":")[0]) == ("temperature", "temperature kept")
    left, compared, why = calibration.choose(splits(validation=certain, validation_stressed=contrary), "temperature")
    assert (left, why.split(":")[0]) == (calibration.Calibration(), "temperature left out")
    assert compared["temperature"]["validation"].brier.value < compared["none"]["validation"].brier.value


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_a_calibration_that_would_invert_the_model_is_not_used(method: str) -> None:
    inverted = {name: images.with_scores(1 - images.scores) for name, images in splits().items()}
    validation = inverted["validation"]
    slope = calibration.fit(validation.labels, validation.scores, method).slope
    assert slope < 0
    chosen, _, why = calibration.choose(inverted, method)
    assert chosen == calibration.Calibration()
    assert f"{slope:.3g}" in why
    assert "above 0" in why


def test_separable_validation_images_calibrate_to_finite_numbers() -> None:
    labels = np.array([0, 0, 1, 1])
    for method in ("temperature", "platt"):
        fitted = calibration.fit(labels, np.array([1e-9, 0.01, 0.99, 1.0]), method)
        assert math.isfinite(fitted.slope)
        assert math.isfinite(fitted.intercept)


def test_subgroups_give_sensitivity_to_pneumonia_and_specificity_to_normals() -> None:
    found = evaluated().facts["subgroups"]
    assert {name: next(iter(one)) for name, one in found.items()} == {
        "Bacterial": "Sensitivity",
        "Viral": "Sensitivity",
        "IM": "Specificity",
    }
    one = split(2)
    bacterial = [label == 1 and subtype == "bacteria" for label, subtype in zip(one.labels, one.subtypes, strict=True)]
    assert found["Bacterial"]["Sensitivity"]["n"] == sum(bacterial)


def test_a_kind_in_both_classes_is_reported_by_class() -> None:
    one = split(2)
    found = metrics.subgroups(replace(one, subtypes=["im"] * len(one)), 0.5)
    assert {name: next(iter(group)) for name, group in found.items()} == {
        "IM (NORMAL)": "Specificity",
        "IM (PNEUMONIA)": "Sensitivity",
    }
    assert found["IM (PNEUMONIA)"]["Sensitivity"].n == int(one.labels.sum())


def test_images_of_unknown_patients_are_resampled_one_by_one() -> None:
    one = split(2)
    for known, n, unit in (
        (160, 80, "patients"),
        (40, 140, "groups (20 patients, 120 images of unknown patients)"),
        (0, 160, "images of unknown patients"),
    ):
        images = without_patients(one, known)
        for name in ("AUROC", "MCC", "Average precision"):
            found = metrics.metrics(images, 0.5, 0.1)[name]
            assert (found.n, found.unit) == (n, unit), name
        error = reliability.calibration_error(images)
        assert (error.n, error.unit) == (n, unit)


def test_unknown_patients_are_counted_for_each_split() -> None:
    facts = computed(test=without_patients(split(2, "test"), 150)).facts
    assert facts["unknown_patients"] == {"validation": 0, "validation_stressed": 0, "test": 10}
    assert facts["images"]["test"] == 160


def test_predictions_leave_an_unknown_patient_empty() -> None:
    given = splits(test=without_patients(split(2, "test"), 2))
    found = replace(evaluated(), splits=given)
    rows = list(csv.DictReader(io.StringIO(store.predictions(given, found, ["NORMAL", "PNEUMONIA"]))))
    assert [row["patient"] for row in rows if row["file"].startswith("test/")] == ["p0", "p0", *[""] * 158]


def test_a_null_patient_of_the_data_set_stays_unknown() -> None:
    images = [
        {"file": f"test/NORMAL/{n}.jpg", "label": 0, "patient": p, "subtype": ""} for n, p in enumerate((None, "a"))
    ]
    assert scored(images, {one["file"]: 0.5 for one in images}).patients == [None, "a"]


def test_mcnemar_counts_the_images_only_one_model_called_right() -> None:
    one = split(4)
    now = (one.scores >= 0.5) == (one.labels == 1)
    before = {file: bool(right) for file, right in zip(one.files, now, strict=True)}
    flipped = [file for file in one.files if before[file]][:9]
    found = comparison.mcnemar(one, 0.5, before | dict.fromkeys(flipped, False))
    assert found == {"n": 160, "only_this": 9, "only_other": 0, "p": pytest.approx(2 / 2**9)}
    assert comparison.mcnemar(one, 0.5, {}) is None


def test_the_sign_test_is_that_of_scipy() -> None:
    from scipy.stats import binomtest

    for one, other in [(0, 0), (3, 3), (1, 8), (12, 4)]:
        expected = binomtest(one, one + other).pvalue if one + other else 1.0
        assert comparison.sign_test(one, other) == pytest.approx(expected)


def test_a_model_no_better_than_the_baseline_is_called_out() -> None:
    test = split(2)
    same = dict(zip(test.files, test.scores.tolist(), strict=True))
    assert evaluate(splits(), same, None, EvaluationOptions(), None).facts["baselines"]["beaten"] is False
    assert evaluated().facts["baselines"]["beaten"] is True


def test_a_fall_from_clean_to_perturbed_validation_is_a_warning() -> None:
    clean = split(0, "validation", shift=5)
    assert computed(validation=clean, validation_stressed=split(1, shift=0.5)).facts["shift"]["warning"] is True
    assert computed(validation=clean, validation_stressed=clean).facts["shift"]["warning"] is False


def test_the_gate_looks_at_the_lower_ends() -> None:
    found = evaluated().test
    low, value = found["AUROC"].low, found["AUROC"].value
    assert [rule["passed"] for rule in release_gate.judge(found, {"AUROC": (low + value) / 2})] == [False]
    assert [rule["passed"] for rule in release_gate.judge(found, {"AUROC": low})] == [True]
    assert "AUROC may be as low as" in release_gate.sentence(release_gate.judge(found, {"AUROC": 1.0}))


def test_an_unknown_lower_end_does_not_pass() -> None:
    unknown = statistics.Estimate(1.0, math.nan, math.nan, 1)
    (rule,) = release_gate.judge({"AUROC": unknown}, {"AUROC": 0.0})
    assert (rule["passed"], rule["low"]) == (False, None)


def test_an_earlier_model_on_the_same_images_is_compared() -> None:
    right = dict.fromkeys(split(2, "test").files, True)
    found = computed(previous=Previous("job-before", right)).facts["comparison"]
    assert (found["training_job"], found["n"], found["only_this"]) == ("job-before", 160, 0)
    assert computed(previous=Previous("job-before", {})).facts["comparison"] is None


def test_the_worst_errors_are_errors_and_the_worst_come_first() -> None:
    one = split(6)
    found = worst(one, 0.5)
    missed = [score for _, score in found["False negatives"]]
    alarms = [score for _, score in found["False positives"]]
    assert missed == sorted(missed)
    assert alarms == sorted(alarms, reverse=True)
    assert max(missed) < 0.5 <= min(alarms)


def test_metrics_json_is_json_even_where_a_metric_is_undefined() -> None:
    unknown = {"PPV": statistics.proportion(0, 0)}
    assert json.loads(json.dumps(metrics.as_json(unknown), allow_nan=False))["PPV"]["value"] is None


def test_a_metric_without_an_interval_is_printed_without_one() -> None:
    lines = metrics.table({"PPV": statistics.proportion(0, 0), "NPV": statistics.proportion(1, 2)}).splitlines()
    assert "nan" not in lines[1]
    assert "[" not in lines[1]
    assert "undefined" in lines[1]
    assert "[0.095, 0.905]" in lines[2]


def test_the_proxy_and_the_evaluation_calibrate_alike() -> None:
    scores = np.array([0.0, 1e-9, 0.2, 0.5, 0.97, 1.0])
    for slope, intercept in [(1.0, 0.0), (0.4, 0.0), (1.7, -0.3)]:
        expected = calibration.Calibration.of(slope, intercept).apply(scores)
        for score, probability in zip(scores, expected, strict=True):
            found = calibrated({"NORMAL": 1 - float(score), "PNEUMONIA": float(score)}, slope, intercept)
            assert found["PNEUMONIA"] == pytest.approx(float(probability), abs=1e-12)
            assert sum(found.values()) == pytest.approx(1.0)


def test_the_proxy_and_the_evaluation_call_the_images_at_the_threshold_alike() -> None:
    """32-bit probabilities next to 0 and 1 tie, and the threshold is the probability of an image."""
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 9, 400).astype(np.float32)
    scores = np.round(1 / (1 + np.exp(-logit)), 7).astype(np.float64)
    for _ in range(300):
        slope, intercept = float(rng.uniform(0.05, 3)), float(rng.choice([0.0, rng.normal()]))
        mapped = calibration.Calibration.of(slope, intercept).apply(scores)
        index = int(rng.integers(len(scores)))
        threshold = rounded_down(float(mapped[index]))
        assert mapped[index] - 1.1e-9 < threshold < max(mapped[index], 1e-300)
        at = {"NORMAL": 1 - scores[index], "PNEUMONIA": scores[index]}
        assert calibrated(at, slope, intercept)["PNEUMONIA"] >= threshold
        alike = [
            (calibrated({"NORMAL": 1 - score, "PNEUMONIA": score}, slope, intercept)["PNEUMONIA"] >= threshold)
            for score in scores
        ]
        assert alike == (mapped >= threshold).tolist()


def test_the_threshold_of_an_evaluation_is_rounded_down_and_stays_a_probability() -> None:
    threshold = evaluated().threshold
    assert round(threshold, 9) == threshold
    validation = evaluated().splits["validation"]
    assert statistics.confusion(validation.labels, validation.scores, threshold).sensitivity().value >= 0.95
    assert [rounded_down(value) for value in (0.0, 1e-12, 0.5, 1.0)] == [0.0, 0.0, 0.499999999, 0.999999999]
