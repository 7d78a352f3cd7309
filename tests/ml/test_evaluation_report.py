"""The evaluation's report: one page, the numbers of metrics.json, the same bytes for the same scores."""

import io
import re
from html import unescape

import pytest
from PIL import Image

from ml.evaluation import report
from ml.evaluation.evaluate import Choices, worst

from .test_evaluation import evaluated


def page(**facts: object) -> str:
    found = evaluated(Choices(minimums={"AUROC": 0.99}))
    everything = found.facts | {
        "training_job": "job-<1>",
        "dataset": "films/0123",
        "forced": False,
        "worst": worst(found.splits["test"], found.threshold),
    }
    everything |= {"card": report.card(everything | facts), "warnings": report.warnings(everything | facts)}
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "JPEG")
    films = {file: buffer.getvalue() for cases in everything["worst"].values() for file, _ in cases}
    return report.html(found, everything | facts, films)


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
    for name, one in evaluated(Choices(minimums={"AUROC": 0.99})).facts["splits"]["test"].items():
        interval = f"[{one['low']:.3f} to {one['high']:.3f}]"
        shown = f"<td>{name}</td><td>{one['value']:.3f} {interval}<br>n = {one['n']} {one['unit']}"
        assert shown in html.replace("\N{NO-BREAK SPACE}", " ")


def test_every_calibration_is_shown_with_its_uncertainty(html: str) -> None:
    compared = evaluated(Choices(minimums={"AUROC": 0.99})).facts["calibration"]["compared"]
    assert list(compared) == ["none", "temperature", "platt"]
    for one in (found[name] for splits in compared.values() for found in splits.values() for name in found):
        shown = f"<td>{one['value']:.4f} [{one['low']:.4f} to {one['high']:.4f}]</td>"
        assert shown in html.replace("\N{NO-BREAK SPACE}", " ")


def test_the_page_says_what_it_is_not_for_and_what_was_missed(html: str) -> None:
    text = unescape(html)
    for words in ("Not a medical device", "Shortcut warning", "The gate was missed: AUROC", "is not released"):
        assert words in text, words


def test_a_forced_model_says_so_in_its_card() -> None:
    assert "released for deployment by force" in page(forced=True)


def test_four_charts_and_every_worst_error_are_shown(html: str) -> None:
    assert html.count("<svg") == 4
    errors = worst(evaluated().splits["test"], evaluated().threshold)
    assert html.count('class="film"') == sum(map(len, errors.values())) > 0


@pytest.mark.parametrize(
    ("dataset", "subgroups", "told"),
    [("phantom/01", {}, "Synthetic"), ("films/01", {}, "somebody prepared"), ("films/01", {"Viral": {}}, "Guangzhou")],
)
def test_the_card_says_no_more_of_the_films_than_is_known(
    dataset: str, subgroups: dict[str, object], told: str
) -> None:
    facts = evaluated().facts | {"training_job": "job", "dataset": dataset, "subgroups": subgroups}
    assert told in report.card(facts)["Training and test data"]
    assert any("public collection" in words for words in report.warnings(facts)) == bool(subgroups)
