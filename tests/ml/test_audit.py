"""The encoding audit finds a shortcut only where there is one, and metrics.json repeats it."""

import math
from dataclasses import replace

from ml.dataset.report.audit import audit, verdict
from ml.evaluation.store import audit_of

from .builders import encoded_images

TABLE = "JPEG quantisation table (sum)"


def test_a_table_that_follows_the_label_is_a_shortcut() -> None:
    areas = audit(encoded_images(shortcut=True))
    assert areas["before"][TABLE]["value"] == 1.0
    assert TABLE in verdict(areas)[0]
    assert "1.000" in verdict(areas)[0]


def test_a_table_that_does_not_follow_the_label_is_no_shortcut() -> None:
    areas = audit(encoded_images(shortcut=False))
    assert areas["before"][TABLE]["value"] < 0.6
    assert not any(TABLE in sentence for sentence in verdict(areas))


def test_every_number_has_its_n_and_interval() -> None:
    for areas in audit(encoded_images(shortcut=True)).values():
        for area in areas.values():
            assert (area["n"], area["unit"]) == (200, "images")
            assert area["low"] <= area["value"] <= area["high"]


def test_a_stored_size_that_follows_the_label_is_reported_after_standardisation() -> None:
    images = [
        replace(image, stored=8000 + 500 * image.label + index)
        for index, image in enumerate(encoded_images(shortcut=False))
    ]
    assert any("After standardisation" in sentence and "file size" in sentence for sentence in verdict(audit(images)))


def test_the_verdict_always_says_that_standardising_leaves_traces() -> None:
    assert "does not remove" in verdict(audit(encoded_images(shortcut=False)))[-1]


def test_metrics_json_repeats_the_audit_with_its_sentences() -> None:
    areas = audit(encoded_images(shortcut=True))
    repeated = audit_of({"audit": areas, "verdict": verdict(areas)})
    assert repeated is not None
    assert repeated["sentences"] == verdict(areas)
    assert set(repeated["before"]["file size"]) == {"value", "low", "high", "n"}
    assert repeated["before"][TABLE]["value"] == 1.0
    assert set(repeated["after"]) == set(areas["after"])


def test_an_undefined_area_becomes_null_and_a_report_without_an_audit_gives_none() -> None:
    undefined = {"value": math.nan, "low": math.nan, "high": math.nan, "n": 1, "unit": "images"}
    assert audit_of({"audit": {"before": {"width": undefined}, "after": {}}, "verdict": []}) == {
        "sentences": [],
        "before": {"width": {"value": None, "low": None, "high": None, "n": 1}},
        "after": {},
    }
    assert audit_of({"name": "images"}) is None
