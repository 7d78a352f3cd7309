"""Intervals and areas against independent references."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, balanced_accuracy_score, matthews_corrcoef, roc_auc_score

from ml.evaluation import statistics
from ml.evaluation.threshold import threshold_for_sensitivity

from .builders import labels_and_scores


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (29, 29, 0.8830, 1.0)],
)
def test_wilsons_interval_is_the_published_one(successes: int, n: int, low: float, high: float) -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3."""
    fraction = statistics.proportion(successes, n)
    assert (fraction.low, fraction.high) == pytest.approx((low, high), abs=6e-5)
    assert fraction.n == n


@pytest.mark.parametrize("ties", [False, True])
def test_areas_are_scikit_learns(ties: bool) -> None:
    for seed in range(5):
        labels, scores = labels_and_scores(seed, ties=ties)
        assert statistics.auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
        assert statistics.average_precision(labels, scores) == pytest.approx(
            average_precision_score(labels, scores), abs=1e-12
        )


def test_the_bootstrap_repeats_with_its_seed_and_counts_patients() -> None:
    labels, scores = labels_and_scores(2)
    patients = [str(index // 2) for index in range(len(labels))]

    def area(times: np.ndarray) -> dict[str, np.ndarray]:
        return {"AUC": statistics.auc(labels, scores, times)}

    first, second = (statistics.bootstrap(patients, area, 200, seed=7)["AUC"] for _ in range(2))
    assert first == second
    assert (first.n, first.unit) == (100, "patients")
    assert first.low < first.value < first.high


@pytest.mark.parametrize("ties", [False, True])
def test_an_image_drawn_several_times_counts_as_often_and_a_draw_without_a_class_has_no_value(ties: bool) -> None:
    labels, scores = labels_and_scores(3, 60, ties=ties)
    times = np.random.default_rng(0).poisson(1, (20, 60)).astype(float)
    times[0] *= labels
    called = scores >= 0.5
    references = (
        (statistics.auc(labels, scores, times), roc_auc_score, scores),
        (statistics.average_precision(labels, scores, times), average_precision_score, scores),
        (statistics.balanced_accuracy(labels, called, times), balanced_accuracy_score, called),
        (statistics.matthews(labels, called, times), matthews_corrcoef, called),
    )
    for values, reference, of in references:
        expected = [reference(labels, of, sample_weight=row) for row in times[1:]]
        assert values[1:] == pytest.approx(expected, abs=1e-12)
    assert [bool(np.isnan(values[0])) for values, *_ in references] == [True, False, True, True]


def test_the_intervals_do_not_depend_on_how_many_draws_fit_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, scores = labels_and_scores(2)

    def area() -> statistics.IntervalEstimate:
        unknown = [None] * len(labels)
        return statistics.bootstrap(unknown, lambda times: {"AUC": statistics.auc(labels, scores, times)}, 50)["AUC"]

    together = area()
    monkeypatch.setattr(statistics, "MAX_NUMBERS", 7 * len(labels))
    assert area() == together


def test_images_without_a_patient_are_patients_of_their_own() -> None:
    assert statistics.clusters(["a", None, "b", "a", None]).tolist() == [0, 1, 2, 0, 3]


@pytest.mark.parametrize("target", [0.5, 0.9, 0.95, 1.0])
def test_the_threshold_is_the_highest_that_reaches_the_sensitivity(target: float) -> None:
    labels, scores = labels_and_scores(4)
    threshold = threshold_for_sensitivity(labels, scores, target)
    positives = scores[labels == 1]
    assert (positives >= threshold).mean() >= target
    assert (positives >= np.nextafter(threshold, np.inf)).mean() < target or target == 1.0


def test_counts_at_a_threshold_are_right() -> None:
    counts = statistics.confusion(np.array([1, 1, 0, 0, 1]), np.array([0.9, 0.5, 0.5, 0.1, 0.2]), 0.5)
    assert (counts.true_positive, counts.false_positive, counts.true_negative, counts.false_negative) == (2, 1, 1, 1)
    assert counts.sensitivity().value == pytest.approx(2 / 3)
    assert counts.specificity().value == 0.5
