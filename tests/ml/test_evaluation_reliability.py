"""Brier score, expected calibration error and the bins of the reliability curve."""

from dataclasses import replace

import numpy as np
import pytest

from ml.evaluation import reliability, statistics
from ml.evaluation.scored_split import ScoredSplit, logistic, logits

from .builders import split, without_patients


def images_of(labels: np.ndarray, scores: np.ndarray) -> ScoredSplit:
    return ScoredSplit(labels.astype(np.int64), scores, [None] * len(labels), [""] * len(labels), [""] * len(labels))


@pytest.mark.parametrize("seed", [0, 3])
def test_the_brier_score_lies_within_its_interval_over_patients(seed: int) -> None:
    brier = reliability.quality(split(seed)).brier
    assert brier.low < brier.value < brier.high
    assert (brier.n, brier.unit) == (80, "patients")


def test_the_error_of_a_perfectly_calibrated_model_lies_in_the_range_of_chance() -> None:
    """In 95 of 100 data sets; 90 allows for the 200 that are drawn here."""
    contained = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        scores = rng.beta(0.4, 0.3, 335)
        error = reliability.calibration_error(images_of(rng.random(335) < scores, scores), seed, draws=200)
        contained += error.chance_low <= error.value <= error.chance_high
    assert 0.90 <= contained / 200 <= 0.99


def test_the_error_of_a_model_that_is_too_certain_lies_above_the_range_of_chance() -> None:
    rng = np.random.default_rng(0)
    true = rng.random(335)
    error = reliability.calibration_error(images_of(rng.random(335) < true, logistic(3 * logits(true))))
    assert error.value > error.chance_high
    assert (error.n, error.unit) == (335, "images of unknown patients")


def test_images_of_one_patient_widen_the_range_of_chance() -> None:
    images = split(3, images=300)
    alone = reliability.calibration_error(without_patients(images))
    together = reliability.calibration_error(replace(images, patients=[f"p{number // 10}" for number in range(300)]))
    assert together.chance_high > 1.2 * alone.chance_high
    assert together.value == alone.value


@pytest.mark.parametrize(("images", "bins"), [(335, 10), (160, 10), (60, 6), (5, 1)])
def test_bins_hold_equal_numbers_of_images(images: int, bins: int) -> None:
    counts = np.bincount(reliability.bin_of(split(1, images=images).scores))
    assert len(counts) == bins
    assert counts.max() - counts.min() <= 1


def test_images_of_one_probability_are_in_one_bin() -> None:
    scores = np.array([1.0] * 50 + [0.2] * 10 + [0.0] * 20 + [0.5] * 20)
    bins = reliability.bin_of(scores)
    assert [len(set(bins[scores == value])) for value in (0.0, 0.2, 0.5, 1.0)] == [1, 1, 1, 1]
    assert sorted(set(bins)) == list(range(len(set(bins))))
    points = reliability.reliability((scores > 0.3).astype(np.int64), scores)
    assert sum(point["n"] for point in points) == 100
    last = points[-1]
    assert (last["n"], last["fraction"], last["high"]) == (50, 1.0, 1.0)
    assert last["low"] == statistics.proportion(50, 50).low
