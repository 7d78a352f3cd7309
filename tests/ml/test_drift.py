"""Drift: the index against independent computations and simulation, and images that were changed on purpose."""

import functools
import io
import math
from collections.abc import Callable

import numpy as np
import pytest
from inference_proxy import explain
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter
from scipy import stats

from ml.drift import compare, features, psi
from radiograph import encode, standardise
from radiograph.phantom import draw

ENTRY = {"threshold": 0.5, "calibration": {"slope": 1.0, "intercept": 0.0}, "classes": ["NORMAL", "PNEUMONIA"]}
CUTS = stats.norm.ppf(np.arange(1, psi.BINS) / psi.BINS)


@functools.cache
def phantom(seed: int) -> bytes:
    """A synthetic image as the data set has it."""
    return encode(standardise(png(draw(seed, bool(seed % 2)))))


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def sample(seeds: range, change: Callable[[Image.Image], Image.Image] | None = None) -> features.Sample:
    """Phantoms, changed or not, with probabilities that change with nothing."""
    taken = [phantom(seed) for seed in seeds]
    if change is not None:
        taken = [encode(change(Image.open(io.BytesIO(image)).convert("L"))) for image in taken]
    scores = np.random.default_rng(seeds.start).random(len(taken))
    return features.sample(
        scores.tolist(), [features.measure(features.pixels(image, "squash")) for image in taken], ENTRY
    )


def looks(n: int, m: int, move: float = 0.0, times: int = 2000) -> NDArray[np.float64]:
    """The index of `times` pairs of normal samples, the second moved by so many standard deviations."""
    rng = np.random.default_rng(n + m)
    found = []
    for _ in range(times):
        reference = rng.normal(size=n)
        bounds = psi.edges(reference)
        found.append(psi.index(psi.counts(reference, bounds), psi.counts(rng.normal(move, 1, m), bounds)))
    return np.array(found)


def test_the_index_is_the_symmetric_divergence_of_the_smoothed_shares() -> None:
    before, after = np.array([40, 30, 30, 0]), np.array([10, 10, 20, 10])
    p, q = (before + 0.5) / 102, (after + 0.5) / 52
    assert psi.index(before, after) == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p), rel=1e-12)
    assert psi.index(before, before) == 0


def test_the_critical_values_are_those_of_the_chi_square_distribution_for_five_quantities() -> None:
    assert len(sample(range(2)).values) == psi.TOGETHER
    expected = stats.chi2.ppf(1 - 0.05 / psi.TOGETHER, np.arange(1, psi.BINS))
    assert expected == pytest.approx(psi.CHI_SQUARE, abs=1e-5)
    assert psi.critical(10, 200, 50) == pytest.approx(expected[8] * (1 / 200 + 1 / 50))


@pytest.mark.parametrize(("n", "m"), [(800, 800), (800, 100), (100, 800), (64, 50)])
def test_without_drift_chance_exceeds_the_critical_value_no_more_often_than_it_says(n: int, m: int) -> None:
    found = looks(n, m)
    assert np.mean(found > psi.critical(10, n, m)) <= 0.01 + 3 * math.sqrt(0.01 * 0.99 / 2000)
    assert np.mean(found > stats.chi2.ppf(0.95, 9) * (1 / n + 1 / m)) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2000)


def test_without_drift_five_quantities_together_ring_in_about_five_percent_of_looks() -> None:
    rung = looks(800, 400, times=5 * 600) > psi.critical(10, 800, 400)
    assert 0.02 <= rung.reshape(-1, 5).any(axis=1).mean() <= 0.08


def test_few_images_exceed_the_customary_bands_by_chance_and_are_not_called() -> None:
    found = looks(64, 64)
    assert np.mean(found > psi.BANDS["moderate"]) > 0.5
    assert np.mean(found > max(psi.critical(10, 64, 64), psi.BANDS["moderate"])) <= 0.02


@pytest.mark.parametrize("move", [0.0, 0.6, 1.2])
def test_the_interval_holds_the_index_of_the_populations(move: float) -> None:
    shares = np.diff(np.r_[0, stats.norm.cdf(CUTS - move), 1])
    truth = float(((shares - 0.1) * np.log(shares / 0.1)).sum())
    rng = np.random.default_rng(5)
    found = [psi.shift(rng.normal(size=400), rng.normal(move, 1, 200), seed) for seed in range(150)]
    assert np.mean([one.low <= truth <= one.high for one in found]) >= 0.9
    assert all(one.low <= one.psi <= one.high for one in found)


def test_the_change_of_the_mean_is_welchs() -> None:
    rng = np.random.default_rng(6)
    reference, now = rng.normal(10, 2, 300), rng.normal(11, 3, 80)
    one, spread = psi.shift(reference, now), reference.std(ddof=1)
    apart = now.mean() - reference.mean()
    error = apart / stats.ttest_ind(now, reference, equal_var=False).statistic
    expected = [apart, *stats.norm.interval(0.95, apart, error)]
    assert [one.change * spread, one.change_low * spread, one.change_high * spread] == pytest.approx(expected)
    assert (one.reference, one.now) == (300, 80)


def test_a_reference_of_one_value_has_two_bins_and_leaving_it_is_drift() -> None:
    same = np.zeros(60)
    assert (psi.shift(same, same).psi, psi.shift(same, same).size) == (0.0, "none")
    assert psi.shift(same, same).as_json()["change"] is None
    moved = psi.shift(same, np.r_[np.zeros(30), np.ones(30)])
    assert (moved.bins, moved.size) == (2, "large")


def test_what_is_more_than_chance_and_below_the_bands_is_small_and_no_drift() -> None:
    rng = np.random.default_rng(7)
    one = psi.shift(rng.normal(size=20000), rng.normal(0.1, 1, 20000))
    assert one.critical < one.psi < 0.1
    assert (one.size, one.called) == ("small", False)


def test_the_measures_are_those_of_a_checkerboard() -> None:
    board = np.indices((224, 224)).sum(axis=0) % 2 * 255.0
    assert features.measure(board) == (127.5, 127.5, 4 * 255, 1.0)
    assert features.measure(np.full((224, 224), 80.0)) == (80, 0, 0, 0)


def test_an_image_and_its_standardised_copy_measure_alike() -> None:
    whole = features.measure(features.pixels(png(draw(3, True)), "squash"))
    assert features.measure(features.pixels(phantom(3), "squash")) == pytest.approx(whole, rel=5e-3, abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_images_of_the_apis_heat_map_are_told_from_images(seed: int) -> None:
    image = standardise(png(draw(seed, True)))
    assert not features.covered(features.pixels(encode(image), "squash"))
    for cell in range(explain.CELLS**2):
        assert features.covered(features.pixels(encode(explain.covered(image, cell)), "squash")), cell


def test_images_of_the_same_kind_are_no_drift() -> None:
    found = compare.compare(sample(range(60)), sample(range(100, 160)))
    assert not found.drift
    assert found.verdict().startswith("No drift: these images look like the 60 validation images.")


@pytest.mark.parametrize(
    ("change", "quantity", "sign"),
    [
        (lambda image: image.filter(ImageFilter.GaussianBlur(1.5)), "sharpness", -1),
        (lambda image: ImageEnhance.Brightness(image).enhance(1.5), "mean grey", 1),
        (lambda image: ImageEnhance.Contrast(image).enhance(0.5), "contrast", -1),
        (lambda image: image.point(lambda grey: min(255, grey * 2)), "saturation", 1),
    ],
)
def test_changed_images_are_called_by_the_quantity_that_changed(
    change: Callable[[Image.Image], Image.Image], quantity: str, sign: int
) -> None:
    found = compare.compare(sample(range(60)), sample(range(100, 160), change))
    one = found.shifts[quantity]
    assert (found.drift, one.size, np.sign(one.change)) == (True, "large", sign)
    assert not found.shifts["probability"].called
    assert f"{quantity} (large, PSI {one.psi:.2f})" in found.verdict()


def test_positive_rates_are_wilsons_at_the_models_threshold() -> None:
    found = compare.compare(sample(range(60)), sample(range(100, 150))).positives
    assert (found["validation"].n, found["now"].n) == (60, 50)
    expected = stats.binomtest(round(found["now"].value * 50), 50).proportion_ci(method="wilson")
    assert (found["now"].low, found["now"].high) == pytest.approx((expected.low, expected.high))


def test_of_too_few_images_nothing_is_called() -> None:
    found = compare.compare(sample(range(60)), sample(range(100, 130), lambda image: image.filter(ImageFilter.BLUR)))
    assert (found.drift, found.as_json()["drift"]) == (False, None)
    assert "Too few images to tell: 60 of validation and 30 now" in found.verdict()
    assert compare.table(found).count("unknown") == 2 * psi.TOGETHER
    assert {one["low"] for one in found.as_json()["quantities"].values()} == {None}
