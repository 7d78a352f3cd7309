"""The interval of the AUROC against its definition, independent references and simulation."""

import numpy as np
import pytest

from benchmarks.auroc_coverage import simulated
from ml.evaluation import statistics
from ml.evaluation.auroc import auroc, hanley_mcneil, influences

from .builders import labels_and_scores


def patients_of(labels: np.ndarray) -> list[str | None]:
    """Return a patient for each image."""
    return [str(index) for index in range(len(labels))]


def test_the_variance_by_image_is_delongs() -> None:
    labels, scores = labels_and_scores(1, 60, ties=True)
    positive, negative = scores[labels == 1], scores[labels == 0]
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    value, errors = influences(labels == 1, scores)
    assert value == pytest.approx(wins.mean())
    assert (errors**2).sum() == pytest.approx(
        wins.mean(1).var() / len(positive) + wins.mean(0).var() / len(negative), rel=1e-9
    )


def test_hanleys_and_mcneils_variance_is_that_of_their_formula() -> None:
    """Radiology 143 (1982), equation 2, at the area 0.893 with 51 abnormal and 58 normal cases."""
    q1, q2 = 0.893 / (2 - 0.893), 2 * 0.893**2 / 1.893
    expected = (0.893 * 0.107 + 50 * (q1 - 0.893**2) + 57 * (q2 - 0.893**2)) / (51 * 58)
    assert hanley_mcneil(0.893, 51, 58) == pytest.approx(expected)


@pytest.mark.parametrize(("patients", "area", "least"), [(227, 0.983, 0.92), (227, 0.95, 0.92), (40, 0.983, 0.90),
                                                         (40, 0.95, 0.90), (20, 0.983, 0.90)])  # fmt: skip
@pytest.mark.parametrize("spread", [1.0, 0.5])
def test_the_interval_contains_the_true_area_with_few_patients_and_distant_classes(
    patients: int, area: float, least: float, spread: float
) -> None:
    rng = np.random.default_rng(0)
    contained = 0
    for _ in range(300):
        images = simulated(rng, patients, area, spread)
        estimate = auroc(images.labels, images.scores, images.patients.astype(str).tolist())
        contained += estimate.low <= area <= estimate.high
    assert contained / 300 >= least


def test_the_interval_is_no_wider_than_delongs_with_many_patients() -> None:
    labels, scores = labels_and_scores(5, 4000)
    estimate = auroc(labels, scores, patients_of(labels))
    half = statistics.Z95 * float(np.sqrt((influences(labels == 1, scores)[1] ** 2).sum()))
    assert estimate.high - estimate.low == pytest.approx(2 * half, rel=0.03)


def test_classes_that_do_not_overlap_are_not_certain() -> None:
    labels = np.repeat([0, 1], 20)
    estimate = auroc(labels, labels.astype(float), patients_of(labels))
    assert (estimate.value, estimate.high) == (1.0, 1.0)
    assert 0.7 < estimate.low < 0.95
    inverted = auroc(labels, 1.0 - labels, patients_of(labels))
    assert (inverted.value, inverted.low, inverted.high) == (0.0, 0.0, pytest.approx(1 - estimate.low))
    fewer = auroc(labels[15:25], labels[15:25].astype(float), patients_of(labels[15:25]))
    assert fewer.low < estimate.low


def test_scores_that_are_all_equal_say_nothing() -> None:
    labels = np.repeat([0, 1], 20)
    estimate = auroc(labels, np.full(40, 0.5), patients_of(labels))
    assert estimate.value == 0.5
    assert estimate.low < 0.4
    assert estimate.high > 0.6


def test_ten_copies_of_a_patients_images_narrow_nothing() -> None:
    labels, scores = labels_and_scores(3, 60)
    once = auroc(labels, scores, patients_of(labels))
    copies = auroc(np.repeat(labels, 10), np.repeat(scores, 10), np.repeat(patients_of(labels), 10).tolist())
    assert (copies.low, copies.high) == (pytest.approx(once.low), pytest.approx(once.high))
    naive = auroc(np.repeat(labels, 10), np.repeat(scores, 10), [None] * 600)
    assert naive.high - naive.low < 0.5 * (once.high - once.low)
    assert (naive.n, naive.unit) == (600, "images of unknown patients")


def test_a_missing_class_has_no_area() -> None:
    estimate = auroc(np.ones(4, dtype=np.int64), np.arange(4.0), ["a", "a", "b", None])
    assert np.isnan([estimate.value, estimate.low, estimate.high]).all()
    assert estimate.n == 3
