"""Calibration of probabilities: fitted on validation, checked on perturbed validation, the same in the proxy."""

import math

import numpy as np
import pytest
from inference_proxy.prediction import calibrated

from ml.evaluation import calibration
from ml.evaluation.evaluate import rounded_down
from ml.evaluation.reliability import expected_calibration_error
from ml.evaluation.scored_split import logistic, logits

from .builders import split, splits


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_a_calibration_reverts_a_change_of_the_logits(method: str) -> None:
    rng = np.random.default_rng(0)
    true = rng.random(20_000)
    labels = (rng.random(20_000) < true).astype(np.int64)
    changed = logistic(2.5 * logits(true) + (0.8 if method == "platt" else 0.0))
    fitted = calibration.fit(labels, changed, method)
    assert fitted.slope == pytest.approx(1 / 2.5, abs=0.02)
    assert np.abs(fitted.apply(changed) - true).max() < 0.02
    assert expected_calibration_error(labels, fitted.apply(changed)) < 0.02
    assert expected_calibration_error(labels, changed) > 0.02


def test_a_calibration_keeps_the_order_of_the_images() -> None:
    images = split(5)
    fitted = calibration.fit(images.labels, images.scores, "platt")
    assert np.array_equal(np.argsort(fitted.apply(images.scores)), np.argsort(images.scores))


def test_a_calibration_is_used_only_if_the_perturbed_validation_improves() -> None:
    certain = split(0, "validation", shift=6, spread=0.3)
    agreeing, contrary = split(1, shift=6, spread=0.3), split(1, shift=0.2, spread=1.5)
    used, _, reason = calibration.choose(splits(validation=certain, validation_perturbed=agreeing), "temperature")
    assert used.method == "temperature"
    assert "is used" in reason
    used, qualities, reason = calibration.choose(
        splits(validation=certain, validation_perturbed=contrary), "temperature"
    )
    assert used == calibration.LogitCalibration()
    assert "not used" in reason
    assert qualities["temperature"]["validation"].brier.value < qualities["none"]["validation"].brier.value


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_a_calibration_that_would_invert_the_model_is_not_used(method: str) -> None:
    inverted = {name: images.with_scores(1 - images.scores) for name, images in splits().items()}
    validation = inverted["validation"]
    slope = calibration.fit(validation.labels, validation.scores, method).slope
    assert slope < 0
    chosen, _, reason = calibration.choose(inverted, method)
    assert chosen == calibration.LogitCalibration()
    assert f"{slope:.3g}" in reason
    assert "above 0" in reason


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_separable_validation_images_calibrate_to_finite_numbers(method: str) -> None:
    fitted = calibration.fit(np.array([0, 0, 1, 1]), np.array([1e-9, 0.01, 0.99, 1.0]), method)
    assert math.isfinite(fitted.slope)
    assert math.isfinite(fitted.intercept)


def test_the_proxy_and_the_evaluation_calibrate_alike() -> None:
    scores = np.array([0.0, 1e-9, 0.2, 0.5, 0.97, 1.0])
    for slope, intercept in [(1.0, 0.0), (0.4, 0.0), (1.7, -0.3)]:
        expected = calibration.LogitCalibration.of(slope, intercept).apply(scores)
        for score, probability in zip(scores, expected, strict=True):
            answer = calibrated({"NORMAL": 1 - float(score), "PNEUMONIA": float(score)}, slope, intercept)
            assert answer["PNEUMONIA"] == pytest.approx(float(probability), abs=1e-12)
            assert sum(answer.values()) == pytest.approx(1.0)


def test_the_proxy_and_the_evaluation_call_the_images_at_the_threshold_alike() -> None:
    """32-bit probabilities near 0 and 1 tie, and the threshold is the probability of an image."""
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 9, 400).astype(np.float32)
    scores = np.round(1 / (1 + np.exp(-logit)), 7).astype(np.float64)
    for _ in range(300):
        slope, intercept = float(rng.uniform(0.05, 3)), float(rng.choice([0.0, rng.normal()]))
        mapped = calibration.LogitCalibration.of(slope, intercept).apply(scores)
        index = int(rng.integers(len(scores)))
        threshold = rounded_down(float(mapped[index]))
        assert mapped[index] - 1.1e-9 < threshold < max(mapped[index], 1e-300)
        by_proxy = [
            calibrated({"NORMAL": 1 - score, "PNEUMONIA": score}, slope, intercept)["PNEUMONIA"] >= threshold
            for score in scores
        ]
        assert by_proxy[index]
        assert by_proxy == (mapped >= threshold).tolist()
