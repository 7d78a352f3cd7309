"""metrics.json holds the curves of the report's charts as numbers that a page can draw."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ml.evaluation.curves import MAX_POINTS, curves, roc_points
from ml.evaluation.evaluate import SPLITS
from ml.evaluation.report import figures
from ml.evaluation.scored_split import ScoredSplit

from .builders import evaluated, split, splits


def drawn(test: ScoredSplit) -> dict[str, Any]:
    """The curves against a baseline whose scores rise from image to image."""
    return curves(splits(test=test), 0.5, np.linspace(0, 1, len(test)))


def area(points: list[list[float]]) -> float:
    across, up = zip(*points, strict=True)
    return float(np.trapezoid(up, across))


def test_the_points_are_those_of_the_roc_curve() -> None:
    test = split(2)
    roc = drawn(test)["roc"]
    assert (roc["points"][0], roc["points"][-1]) == ([0.0, 0.0], [1.0, 1.0])
    assert area(roc["points"]) == pytest.approx(roc_auc_score(test.labels, test.scores), abs=1e-5)
    assert area(roc["baseline"]) == pytest.approx(roc_auc_score(test.labels, np.linspace(0, 1, len(test))), abs=1e-5)
    assert roc["n"] == 160


def test_the_operating_point_is_that_of_the_metrics() -> None:
    metrics = evaluated().metrics
    across, up = metrics["curves"]["roc"]["operating_point"]
    assert 1 - across == pytest.approx(metrics["splits"]["test"]["Specificity"]["value"], abs=1e-6)
    assert up == pytest.approx(metrics["splits"]["test"]["Sensitivity"]["value"], abs=1e-6)


def test_the_band_contains_the_curve() -> None:
    test, band = evaluated().splits["test"], evaluated().metrics["curves"]["roc"]["band"]
    assert [len(band[name]) for name in ("false_positive_rate", "low", "high")] == [101, 101, 101]
    across, up = roc_points(test.labels, test.scores)
    inside = [
        low <= up[np.searchsorted(across, rate, side="right") - 1] <= high
        for rate, low, high in zip(*band.values(), strict=True)
    ]
    assert np.mean(inside) > 0.95


def test_the_curve_of_a_large_test_set_is_thinned_and_keeps_its_ends() -> None:
    many = split(3, images=4000)
    values = drawn(many)
    points = values["roc"]["points"]
    assert len(points) == len(values["roc"]["baseline"]) == MAX_POINTS
    assert (points[0], points[-1]) == ([0.0, 0.0], [1.0, 1.0])
    assert points == sorted(points)
    assert area(points) == pytest.approx(roc_auc_score(many.labels, many.scores), abs=0.002)
    assert len(json.dumps(values)) < 60_000


def test_every_test_image_is_in_one_bar_and_every_image_in_one_bin() -> None:
    test = replace(split(2), scores=np.r_[0.0, 1.0, split(2).scores[2:]])
    values = drawn(test)
    assert [len(values["histogram"][name]) for name in ("edges", "NORMAL", "PNEUMONIA")] == [41, 40, 40]
    assert sum(values["histogram"]["PNEUMONIA"]) == int(test.labels.sum())
    assert sum(values["histogram"]["NORMAL"]) == len(test) - int(test.labels.sum())
    assert [sum(point["n"] for point in values["reliability"][name]) for name in SPLITS] == [160, 160, 160]


def test_each_bin_of_the_reliability_has_enough_images_and_an_interval() -> None:
    for bins in evaluated().metrics["curves"]["reliability"].values():
        assert [point["n"] for point in bins] == [16] * 10
        for point in bins:
            assert 0 <= point["low"] < point["fraction"] + 1e-6
            assert point["fraction"] - 1e-6 < point["high"] <= 1
        assert [point["probability"] for point in bins] == sorted(point["probability"] for point in bins)


def test_the_curves_are_plain_numbers() -> None:
    values = evaluated().metrics["curves"]
    assert json.loads(json.dumps(values, allow_nan=False)) == values


def test_the_charts_depend_on_the_curves() -> None:
    values, other = drawn(split(2)), drawn(split(3))
    assert figures.roc(values["roc"], 0.5) != figures.roc(other["roc"], 0.5)
    assert figures.calibration(values["reliability"]) != figures.calibration(other["reliability"])
    assert figures.histogram(values["histogram"], 0.5) != figures.histogram(other["histogram"], 0.5)
