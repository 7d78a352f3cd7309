"""Drift: false alarms by simulation, the index against an independent computation, images changed on purpose."""

import functools
import io
import math
from collections.abc import Callable

import numpy as np
import pytest
from inference_proxy import explain
from PIL import Image, ImageEnhance, ImageFilter
from scipy import stats

from ml.drift import compare, features
from radiograph import encode, standardise
from radiograph.phantom import draw

from .scoring_builders import ENTRY, phantom, png

IMAGES = 20
VALIDATION, NOW = range(IMAGES), range(100, 100 + IMAGES)
LOOKS = 200
NAMES = (features.PROBABILITY, *features.MEASURED)


@functools.cache
def sample(seeds: range, change: Callable[[Image.Image], Image.Image] | None = None) -> features.Sample:
    """Return phantoms, changed or not, with probabilities that do not depend on the change."""
    images = [phantom(seed) for seed in seeds]
    if change is not None:
        images = [encode(change(Image.open(io.BytesIO(image)).convert("L"))) for image in images]
    scores = np.random.default_rng(seeds.start).random(len(images))
    return features.sample(
        scores.tolist(), [features.measure(features.pixels(image, "squash")) for image in images], ENTRY
    )


def clustered(rng: np.random.Generator, patients: int, known: bool) -> features.Sample:
    """Return 1 to 6 images of each patient, whose values differ little within a patient."""
    sizes = rng.integers(1, 7, patients)
    owner = np.repeat(np.arange(patients), sizes)
    values = {name: rng.normal(size=patients)[owner] + rng.normal(0, 0.3, len(owner)) for name in NAMES}
    keys = [f"p{number}" for number in owner] if known else [None] * len(owner)
    return features.Sample(values, values[NAMES[0]] > 0, keys)


def false_alarms(known: bool, reference: int, now: int, looks: int = LOOKS) -> float:
    """Return the fraction of comparisons of one population with itself that report drift."""
    rng = np.random.default_rng(reference + now)
    return float(
        np.mean([compare.compare(clustered(rng, reference, known), clustered(rng, now, known)).drift
                 for _ in range(looks)])
    )  # fmt: skip


@pytest.mark.parametrize(("reference", "now"), [(150, 60), (40, 8)])
def test_without_drift_at_most_5_percent_of_comparisons_report_some_even_with_many_images_a_patient(
    reference: int, now: int
) -> None:
    assert false_alarms(True, reference, now) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / LOOKS)


def test_clusters_of_unknown_patients_raise_more_false_alarms() -> None:
    assert false_alarms(False, 150, 60, 50) > 0.2


def test_one_image_of_each_known_patient_counts_and_every_image_of_an_unknown_one() -> None:
    whole = features.Sample({"x": np.arange(6.0)}, np.arange(6) > 2, ["a", "a", None, "b", None, "a"])
    chosen = [whole.one_image_a_patient(seed) for seed in range(20)]
    assert {tuple(sorted(map(str, each.patients))) for each in chosen} == {("None", "None", "a", "b")}
    assert {tuple(each.values["x"]) for each in chosen} == {(0, 2, 3, 4), (1, 2, 3, 4), (2, 3, 4, 5)}
    assert all((each.positive == (each.values["x"] > 2)).all() for each in chosen)
    assert whole.one_image_a_patient(3).patients == chosen[3].patients


def test_the_index_is_the_symmetric_divergence_of_the_smoothed_fractions() -> None:
    reference, now = np.arange(100.0), np.r_[np.zeros(30), np.full(20, 50.0)]
    p, q = np.full(10, 10.5), np.r_[30.5, np.full(4, 0.5), 20.5, np.full(4, 0.5)]
    assert compare.stability_index(reference, now) == pytest.approx(
        stats.entropy(p, q) + stats.entropy(q, p), rel=1e-12
    )
    assert compare.stability_index(reference, reference) == 0


def test_a_quantity_drifts_below_the_bonferroni_level_of_five() -> None:
    rng = np.random.default_rng(7)
    reference, same = rng.normal(size=(2, 200))
    values = dict.fromkeys(NAMES, reference)
    for move in (0.2, 0.25, 0.3, 0.4, 0.6):
        moved = {**dict.fromkeys(NAMES, same), "contrast": reference + move}
        comparison = compare.compare(*(features.Sample(v, reference > 0, [None] * 200) for v in (values, moved)))
        expected = stats.ks_2samp(reference, reference + move, method="asymp").pvalue
        shift = comparison.shifts["contrast"]
        assert (shift.p_value, shift.significant) == (pytest.approx(expected), expected < 0.01)
        assert comparison.drift == (expected < 0.01)


def test_leaving_a_single_value_is_drift() -> None:
    same = np.zeros(60)
    assert compare.shift(same, same, 0.01) == compare.Shift(1.0, 0.0, 0.0, 0.0, False)
    assert compare.shift(same, np.r_[np.zeros(30), np.ones(30)], 0.01).significant


def test_the_measures_are_those_of_a_checkerboard() -> None:
    board = np.indices((224, 224)).sum(axis=0) % 2 * 255.0
    assert features.measure(board) == (127.5, 127.5, 4 * 255, 1.0)
    assert features.measure(np.full((224, 224), 80.0)) == (80, 0, 0, 0)


def test_an_image_and_its_standardised_copy_measure_alike() -> None:
    whole = features.measure(features.pixels(png(draw(3, True)), "squash"))
    assert features.measure(features.pixels(phantom(3), "squash")) == pytest.approx(whole, rel=5e-3, abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_images_of_the_apis_heat_map_are_recognised(seed: int) -> None:
    image = standardise(png(draw(seed, True)))
    assert not features.covered(features.pixels(encode(image), "squash"))
    for side in explain.GRIDS:
        for cell in range(side**2):
            assert features.covered(features.pixels(encode(explain.covered(image, cell, side)), "squash")), (side, cell)


def test_images_of_the_same_kind_show_no_drift() -> None:
    comparison = compare.compare(sample(VALIDATION), sample(NOW))
    assert not comparison.drift
    assert f"{IMAGES} validation images" in comparison.verdict()


@pytest.mark.parametrize(
    ("change", "quantity", "sign"),
    [
        (lambda image: image.filter(ImageFilter.GaussianBlur(1.5)), "sharpness", -1),
        (lambda image: ImageEnhance.Brightness(image).enhance(1.5), "mean grey", 1),
        (lambda image: ImageEnhance.Brightness(image).enhance(0.6), "mean grey", -1),
        (lambda image: ImageEnhance.Contrast(image).enhance(0.5), "contrast", -1),
        (lambda image: image.point(lambda grey: min(255, grey * 2)), "saturation", 1),
    ],
)
def test_changed_images_are_found_by_the_quantity_that_changed(
    change: Callable[[Image.Image], Image.Image], quantity: str, sign: int
) -> None:
    comparison = compare.compare(sample(VALIDATION), sample(NOW, change))
    shift = comparison.shifts[quantity]
    assert comparison.drift
    assert shift.significant
    assert shift.psi > 0.25
    assert np.sign(shift.now_mean - shift.reference_mean) == sign
    assert not comparison.shifts["probability"].significant
    assert f"{quantity} (PSI {shift.psi:.2f})" in comparison.verdict()


def test_positive_rates_are_wilsons_at_the_models_threshold() -> None:
    rates = compare.compare(sample(VALIDATION), sample(NOW)).positives
    assert (rates["validation"].n, rates["now"].n) == (IMAGES, IMAGES)
    expected = stats.binomtest(round(rates["now"].value * IMAGES), IMAGES).proportion_ci(method="wilson")
    assert (rates["now"].low, rates["now"].high) == pytest.approx((expected.low, expected.high))
