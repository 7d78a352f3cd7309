"""The evaluation's report: one page, the numbers of metrics.json, the same bytes for the same scores."""

import functools
import io
import re
from html import unescape

import pytest
from PIL import Image

from ml.evaluation import report
from ml.evaluation.evaluate import Evaluation, EvaluationOptions, worst
from ml.evaluation.report.page import value_and_interval

from .test_evaluation import computed, evaluated, split, without_patients


@functools.cache
def strict() -> Evaluation:
    return computed(EvaluationOptions(minimums={"AUROC": 0.99}))


def page(**facts: object) -> str:
    found = strict()
    everything = found.facts | {
        "training_job": "job-<1>",
        "dataset": "images/0123",
        "forced": False,
        "worst": worst(found.splits["test"], found.threshold),
    }
    everything |= {"card": report.card(everything | facts), "warnings": report.warnings(everything | facts)}
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "JPEG")
    images = {file: buffer.getvalue() for cases in everything["worst"].values() for file, _ in cases}
    return report.html(found, everything | facts, images)


@pytest.fixture(scope="module")
def html() -> str:
    return page()


def test_the_same_scores_give_the_same_bytes(html: str) -> None:
    assert page() == html


def test_nothing_is_loaded_from_elsewhere(html: str) -> None:
    assert set(re.findall(r'(?:src|href)="([a-z]+:|#)', html)) <= {"data:", "#"}
    assert "<script" not in html


def test_names_cannot_become_markup(html: str) -> None:
    assert "job-<1>" not in html
    assert "job-<1>" in unescape(html)


def test_every_number_of_the_test_metrics_is_in_the_page(html: str) -> None:
    for name, one in strict().facts["splits"]["test"].items():
        interval = f"[{one['low']:.3f} to {one['high']:.3f}]"
        shown = f"<td>{name}</td><td>{one['value']:.3f} {interval}<br>n = {one['n']} {one['unit']}"
        assert shown in html.replace("\N{NO-BREAK SPACE}", " ")


def test_every_calibration_is_shown_with_its_uncertainty(html: str) -> None:
    compared = strict().facts["calibration"]["compared"]
    assert list(compared) == ["none", "temperature", "platt"]
    for one in (found for splits in compared.values() for found in splits.values()):
        brier, error = one["Brier"], one["ECE"]
        shown = (
            f"<td>{brier['value']:.4f} [{brier['low']:.4f} to {brier['high']:.4f}]</td><td>{error['value']:.4f}</td>"
            f"<td>{error['chance_low']:.4f} to {error['chance_high']:.4f}</td><td>80 patients</td>"
        )
        assert shown in html.replace("\N{NO-BREAK SPACE}", " ")


def test_a_value_without_an_interval_has_no_empty_brackets() -> None:
    unknown = {"value": None, "low": None, "high": None, "n": 0, "unit": "images"}
    assert value_and_interval(unknown) == "undefined"
    assert value_and_interval(unknown | {"value": 0.5}) == "0.500"


def test_unknown_patients_are_said_in_the_page_its_warnings_and_its_card() -> None:
    facts = computed(test=without_patients(split(2, "test"), 150)).facts | {
        "training_job": "job",
        "dataset": "images/1",
    }
    assert any("10 of 160 test images" in words for words in report.warnings(facts))
    assert "10 of 160 test images" in report.card(facts)["How it was measured"]
    assert not any("unknown" in words for words in report.warnings(evaluated().facts))


def test_the_page_says_what_it_is_not_for_and_what_was_missed(html: str) -> None:
    text = unescape(html)
    for words in ("Not a medical device", "Shortcut warning", "The gate was missed: AUROC", "is not released"):
        assert words in text, words


def test_a_forced_model_says_so_in_its_card() -> None:
    assert "released for deployment by force" in page(forced=True)


def test_four_charts_and_every_worst_error_are_shown(html: str) -> None:
    assert html.count("<svg") == 4
    errors = worst(evaluated().splits["test"], evaluated().threshold)
    assert html.count('class="image"') == sum(map(len, errors.values())) > 0


@pytest.mark.parametrize(
    ("collection", "said"),
    [
        ("phantom", "Synthetic"),
        (None, "does not know"),
        ("nih", "NIH ChestX-ray14"),
        ("chest-xray-pneumonia", "Guangzhou"),
    ],
)
def test_the_card_says_no_more_of_the_images_than_is_known(collection: str | None, said: str) -> None:
    """Whatever their names look like: subtypes of images are no proof of a collection."""
    facts = evaluated().facts | {"training_job": "job", "dataset": "images/01", "collection": collection}
    card, public = report.card(facts), collection == "chest-xray-pneumonia"
    assert said in card["Training and test data"]
    assert ("Guangzhou" in str(card)) == ("adults" in str(card)) == public
    assert any("public collection" in words for words in report.warnings(facts)) == public
