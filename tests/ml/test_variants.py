"""Augmented copies and the perturbed set: repeatable, of the same size, never mirrored."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.dataset.augment import FACTORS, augment
from ml.dataset.perturb import perturb
from ml.dataset.radiographs import SourceFile
from ml.dataset.standardising import unique_names
from ml.dataset.variants import copy_names
from radiograph import resize
from radiograph.phantom import draw


@pytest.fixture(scope="module")
def image() -> Image.Image:
    return resize(draw(3, pneumonia=True))


def copy(image: Image.Image, seed: int, *factors: str) -> np.ndarray:
    return np.asarray(augment(image, np.random.default_rng(seed), frozenset(factors or FACTORS)), np.float64)


def test_the_same_seed_gives_the_same_copy_and_another_another(image: Image.Image) -> None:
    assert np.array_equal(copy(image, 1), copy(image, 1))
    assert not np.array_equal(copy(image, 1), copy(image, 2))


def test_without_factors_the_image_stays_as_it_is(image: Image.Image) -> None:
    same = augment(image, np.random.default_rng(0), frozenset())
    assert np.abs(np.asarray(same, np.float64) - np.asarray(image, np.float64)).max() <= 1


@pytest.mark.parametrize("factor", FACTORS)
def test_each_factor_alone_changes_images(image: Image.Image, factor: str) -> None:
    # Aspect bends what zoom does, so it shows beside zoom only.
    factors, without = ({"zoom", "aspect"}, {"zoom"}) if factor == "aspect" else ({factor}, set())
    changed = [
        np.abs(
            np.asarray(augment(image, np.random.default_rng(seed), frozenset(factors)), np.float64)
            - np.asarray(augment(image, np.random.default_rng(seed), frozenset(without)), np.float64)
        ).mean()
        for seed in range(6)
    ]
    assert max(changed) > 0.3


def test_a_copy_is_never_a_mirror_image(image: Image.Image) -> None:
    upright = np.asarray(image, np.float64)
    mirrored = upright[:, ::-1]
    for seed in range(20):
        changed = copy(image, seed)
        assert correlation(changed, upright) > correlation(changed, mirrored)


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_an_unknown_factor_is_refused_with_the_known_ones(image: Image.Image) -> None:
    with pytest.raises(ValueError, match=r"\['flip'\]; allowed: rotation"):
        augment(image, np.random.default_rng(0), frozenset({"flip"}))


def test_a_perturbed_image_is_harder_and_the_same_each_time(image: Image.Image) -> None:
    changed = perturb(image, "a.jpg")
    assert changed.size == image.size
    assert np.array_equal(np.asarray(changed), np.asarray(perturb(image, "a.jpg")))
    assert not np.array_equal(np.asarray(changed), np.asarray(perturb(image, "b.jpg")))
    assert detail(changed) < 0.7 * detail(image)


def detail(image: Image.Image) -> float:
    """Return the mean difference of neighbouring pixels."""
    return float(np.abs(np.diff(np.asarray(image, np.float64), axis=1)).mean())


@pytest.mark.parametrize("stem", ["scan-copy1", "scan_copy1", "Scan Copy1", "scan.copy1"])
def test_no_image_has_the_name_of_a_copy(stem: str) -> None:
    first, other = unique_names([SourceFile(Path("scan.jpg"), 0, None), SourceFile(Path(f"{stem}.jpg"), 0, None)])
    assert copy_names(first, 1) != [other]
