"""metrics.json holds what the report's charts show, in numbers that a page can draw."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ml.dataset.report.audit import audit, verdict
from ml.evaluation.curves import MOST_POINTS, curves, roc_points
from ml.evaluation.evaluate import SPLITS
from ml.evaluation.report import figures
from ml.evaluation.scored_split import ScoredSplit
from ml.evaluation.store import audit_of
from tests.ml.test_audit import images

from .test_evaluation import evaluated, split, splits


def drawn(test: ScoredSplit | None = None, threshold: float = 0.5) -> dict[str, Any]:
    given = splits(**({"test": test} if test else {}))
    return curves(given, threshold, np.linspace(0, 1, len(given["test"])))


def area(points: list[list[float]]) -> float:
    across, up = zip(*points, strict=True)
    return float(np.trapezoid(up, across))


def test_the_points_are_those_of_the_roc_curve() -> None:
    test = split(2)
    found = drawn(test)["roc"]
    assert (found["points"][0], found["points"][-1]) == ([0.0, 0.0], [1.0, 1.0])
    assert area(found["points"]) == pytest.approx(roc_auc_score(test.labels, test.scores), abs=1e-5)
    assert area(found["baseline"]) == pytest.approx(roc_auc_score(test.labels, np.linspace(0, 1, len(test))), abs=1e-5)
    assert found["n"] == 160


def test_the_operating_point_is_that_of_the_metrics() -> None:
    facts = evaluated().facts
    across, up = facts["curves"]["roc"]["operating_point"]
    assert 1 - across == pytest.approx(facts["splits"]["test"]["Specificity"]["value"], abs=1e-6)
    assert up == pytest.approx(facts["splits"]["test"]["Sensitivity"]["value"], abs=1e-6)


def test_the_band_holds_the_curve() -> None:
    test = split(2)
    band = drawn(test)["roc"]["band"]
    assert [len(band[name]) for name in ("false_positive_rate", "low", "high")] == [101, 101, 101]
    across, up = roc_points(test.labels, test.scores)
    inside = [
        low <= up[np.searchsorted(across, place, side="right") - 1] <= high
        for place, low, high in zip(*band.values(), strict=True)
    ]
    assert np.mean(inside) > 0.95


def test_a_large_test_set_makes_no_large_file_and_keeps_the_ends() -> None:
    many = split(3, images=4000)
    found = drawn(many)
    points = found["roc"]["points"]
    assert len(points) == len(found["roc"]["baseline"]) == MOST_POINTS
    assert (points[0], points[-1]) == ([0.0, 0.0], [1.0, 1.0])
    assert points == sorted(points)
    assert area(points) == pytest.approx(roc_auc_score(many.labels, many.scores), abs=0.002)
    assert len(json.dumps(found)) < 60_000
    assert found == drawn(many)


def test_every_test_image_is_in_one_bar_and_every_image_in_one_bin() -> None:
    test = replace(split(2), scores=np.r_[0.0, 1.0, split(2).scores[2:]])
    found = drawn(test)
    assert [len(found["histogram"][name]) for name in ("edges", "NORMAL", "PNEUMONIA")] == [41, 40, 40]
    assert sum(found["histogram"]["PNEUMONIA"]) == int(test.labels.sum())
    assert sum(found["histogram"]["NORMAL"]) == len(test) - int(test.labels.sum())
    assert [sum(one["n"] for one in found["reliability"][name]) for name in SPLITS] == [160, 160, 160]


def test_each_bin_of_the_reliability_has_enough_images_and_an_interval() -> None:
    for bins in drawn()["reliability"].values():
        assert [one["n"] for one in bins] == [16] * 10
        assert all(
            0 <= one["low"] < one["fraction"] + 1e-6 and one["fraction"] - 1e-6 < one["high"] <= 1 for one in bins
        )
        assert [one["probability"] for one in bins] == sorted(one["probability"] for one in bins)


def test_they_are_plain_numbers() -> None:
    facts = evaluated().facts["curves"]
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_the_report_draws_these_curves_and_no_others() -> None:
    one, other = drawn(split(2)), drawn(split(3))
    assert figures.roc(one["roc"], 0.5) != figures.roc(other["roc"], 0.5)
    assert figures.calibration(one["reliability"]) != figures.calibration(other["reliability"])
    assert figures.histogram(one["histogram"], 0.5) != figures.histogram(other["histogram"], 0.5)


def test_the_data_sets_audit_is_told_with_its_sentences() -> None:
    measured = audit(images(give_away=True))
    found = audit_of({"audit": measured, "verdict": verdict(measured)})
    assert found is not None
    assert found["sentences"] == verdict(measured)
    assert set(found["before"]["file size"]) == {"value", "low", "high", "n"}
    assert found["before"]["JPEG quantisation table (sum)"]["value"] == 1.0
    assert set(found["after"]) == set(measured["after"])


def test_what_the_audit_cannot_know_is_null_and_an_older_data_set_has_none() -> None:
    unknown = {"value": float("nan"), "low": float("nan"), "high": float("nan"), "n": 1, "unit": "images"}
    found = audit_of({"audit": {"before": {"width": unknown}, "after": {}}, "verdict": []})
    assert found == {
        "sentences": [],
        "before": {"width": {"value": None, "low": None, "high": None, "n": 1}},
        "after": {},
    }
    assert audit_of({"name": "images"}) is None
