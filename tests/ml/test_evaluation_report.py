"""The evaluation's report: one page, the numbers of metrics.json, the same bytes for the same scores."""

import functools
import io
import re
from html import unescape
from typing import Any

import pytest
from PIL import Image

from ml.evaluation import release_gate, report
from ml.evaluation.evaluate import worst_errors

from .builders import evaluated, evaluated_on_another_test_split

JOB, FILE = "job-<1>", "test/NORMAL/<script>alert(1).jpg"


@functools.cache
def metrics() -> dict[str, Any]:
    """The content of metrics.json of a model that missed the gate, with a file's name that is markup."""
    evaluation = evaluated()
    values = evaluation.metrics | {
        "training_job": JOB,
        "dataset": "images/0123",
        "forced": False,
        "gate": release_gate.judge(evaluation.test, {"AUROC": 0.99}),
        "worst": worst_errors(evaluation.splits["test"], evaluation.threshold),
    }
    values["worst"]["False positives"][0] = (FILE, 0.9)
    return values | {"card": report.card(values), "warnings": report.warnings(values)}


def page(**changes: Any) -> str:
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "JPEG")
    values = metrics() | changes
    images = {file: buffer.getvalue() for cases in values["worst"].values() for file, _ in cases}
    return report.html(evaluated().splits["test"], values, images)


@pytest.fixture(scope="module")
def html() -> str:
    return page()


def test_the_same_scores_give_the_same_bytes(html: str) -> None:
    assert page() == html


def test_nothing_is_loaded_from_elsewhere(html: str) -> None:
    assert set(re.findall(r'(?:src|href)="([a-z]+:|#)', html)) <= {"data:", "#"}
    assert "<script" not in html


def test_names_cannot_become_markup(html: str) -> None:
    assert JOB not in html
    assert JOB in unescape(html)
    assert FILE in unescape(html)


def test_every_number_of_the_test_metrics_is_in_the_page(html: str) -> None:
    for name, estimate in metrics()["splits"]["test"].items():
        interval = f"[{estimate['low']:.3f} to {estimate['high']:.3f}]"
        count = f"n = {estimate['n']} {estimate['unit']}"
        assert f"<td>{name}</td><td>{estimate['value']:.3f} {interval}<br>{count}</td>" in html


def test_every_calibration_is_shown_with_its_uncertainty(html: str) -> None:
    compared = metrics()["calibration"]["compared"]
    assert list(compared) == ["none", "temperature", "platt"]
    for quality in (quality for splits in compared.values() for quality in splits.values()):
        brier, error = quality["Brier"], quality["ECE"]
        assert (
            f"<td>{brier['value']:.4f} [{brier['low']:.4f} to {brier['high']:.4f}]</td><td>{error['value']:.4f}</td>"
            f"<td>{error['chance_low']:.4f} to {error['chance_high']:.4f}</td><td>80 patients</td>"
        ) in html


def test_a_value_without_an_interval_has_no_empty_brackets() -> None:
    alone = {"value": 0.5, "low": None, "high": None, "n": 3, "unit": "images"}
    estimates = {"PPV": alone, "NPV": alone | {"value": None}}
    html = page(splits=dict.fromkeys(metrics()["splits"], estimates), subgroups={"IM": estimates})
    assert f"<td>PPV</td>{'<td>0.500<br>n = 3 images</td>' * 3}</tr>" in html
    assert f"<td>NPV</td>{'<td>undefined<br>n = 3 images</td>' * 3}</tr>" in html
    assert "<td>IM</td><td>PPV</td><td>0.500</td><td></td><td>3 images</td></tr>" in html
    assert "<td>IM</td><td>NPV</td><td>undefined</td><td></td><td>3 images</td></tr>" in html


def external(auroc: float) -> dict[str, Any]:
    """Return the record of an external evaluation with this AUROC, and the other metrics of the test images."""
    estimate = {"value": auroc, "low": auroc - 0.07, "high": auroc + 0.07, "n": 265, "unit": "patients"}
    metrics_of_test = metrics()["splits"]["test"]
    return {
        "collection": "nih",
        "images": 400,
        "unknown_patients": 3,
        "missing": 2,
        "metrics": metrics_of_test | {"AUROC": estimate},
    }


def test_external_evaluations_are_beside_the_internal_one() -> None:
    html = page(external={"nih/0123": external(0.473), "<b>/1": external(0.6)})
    own = metrics()["splits"]["test"]["AUROC"]
    cells = [
        f"{auroc} [{low} to {high}]<br>n = {n} patients</td>"
        for auroc, low, high, n in (
            (f"{own['value']:.3f}", f"{own['low']:.3f}", f"{own['high']:.3f}", own["n"]),
            ("0.473", "0.403", "0.543", 265),
            ("0.600", "0.530", "0.670", 265),
        )
    ]
    assert f"<td>AUROC</td><td>{'<td>'.join(cells)}</tr>" in html
    assert "nih/0123: 2 images" in html
    assert "<b>/1" not in html


def test_without_an_external_evaluation_page_and_card_say_so(html: str) -> None:
    assert "None recorded" in html.partition("<h2>External validation</h2>")[2][:100]
    assert "None recorded" in metrics()["card"]["External validation"]


@pytest.mark.parametrize(("auroc", "warned"), [(0.473, True), (0.95, False)])
def test_a_clearly_lower_auroc_on_another_population_is_a_warning(auroc: float, warned: bool) -> None:
    values = metrics() | {"external": {"nih/0123": external(auroc)}}
    assert any("nih/0123" in warning for warning in report.warnings(values)) == warned
    card = report.card(values)["External validation"]
    assert all(part in card for part in ("400 images of nih/0123", "NIH ChestX-ray14", f"{auroc:.3f}", "265 patients"))


def test_the_warning_of_a_shift_says_what_falls_and_what_rises() -> None:
    values = metrics() | {"shift": {"warning": True, "falls": {"Sensitivity": 0.052, "Specificity": -0.02}}}
    (warning,) = (text for text in report.warnings(values) if text.startswith("Shift warning"))
    assert "Sensitivity falls by 0.052, Specificity rises by 0.020" in warning


def test_unknown_patients_are_in_the_warnings_and_the_card() -> None:
    values = evaluated_on_another_test_split().metrics | {"training_job": "job", "dataset": "images/1"}
    assert any("10 of 160 test images" in warning for warning in report.warnings(values))
    assert "10 of 160 test images" in report.card(values)["How it was measured"]
    assert not any("unknown" in warning for warning in report.warnings(evaluated().metrics))


def test_the_page_shows_its_warnings_and_the_missed_rule(html: str) -> None:
    text = unescape(html)
    for warning in metrics()["warnings"]:
        assert warning in text
    for expected in ("Not a medical device", "Shortcut warning", metrics()["gate"]["sentence"], "is not released"):
        assert expected in text, expected


def test_the_card_of_a_forced_model_says_so() -> None:
    assert "by force" in report.card(metrics() | {"forced": True})["Model"]


def test_four_charts_and_every_worst_error_are_shown(html: str) -> None:
    assert html.count("<svg") == 4
    assert html.count('class="image"') == sum(map(len, metrics()["worst"].values())) > 0


@pytest.mark.parametrize(
    ("collection", "origin"),
    [
        ("phantom", "Synthetic"),
        (None, "does not know"),
        ("nih", "NIH ChestX-ray14"),
        ("chest-xray-pneumonia", "Guangzhou"),
    ],
)
def test_the_card_says_no_more_of_the_images_than_is_known(collection: str | None, origin: str) -> None:
    """Subtypes in file names do not prove a collection."""
    values = metrics() | {"collection": collection}
    card, public = report.card(values), collection == "chest-xray-pneumonia"
    assert origin in card["Training and test data"]
    assert ("Guangzhou" in str(card)) == ("adults" in str(card)) == public
    assert any("public collection" in warning for warning in report.warnings(values)) == public
