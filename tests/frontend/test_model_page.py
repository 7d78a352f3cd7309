"""The page about the model, from answers of GET /model with an evaluation that the project's own code made."""

import functools
import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from frontend import charts
from ml.dataset.report.audit import audit, verdict
from ml.evaluation import report
from ml.evaluation.store import audit_of
from tests.ml.builders import computed, encoded_images, evaluated, split, without_patients

from .conftest import KEY, Answer, Api, everything, refused_by_gateway, started

LEASE = {"ends": "2026-11-25T18:00:00Z", "seconds_left": 7980, "extend_hours": 8}
COST = {
    "per_hour": 0.115,
    "per_inference_second": None,
    "currency": "USD",
    "what": "1 x ml.m5.large",
    "price_region": "us-east-1",
    "read": "2026-09-28",
}


@functools.cache
def evaluation() -> dict[str, Any]:
    found = audit(encoded_images(shortcut=True))
    facts = evaluated().metrics | {"training_job": "job-1", "dataset": "images/0123", "forced": False}
    facts |= {"card": report.card(facts), "warnings": report.warnings(facts)}
    return facts | {"audit": audit_of({"audit": found, "verdict": verdict(found)})}


def model(**changes: Any) -> Answer:
    document = {
        "model_version": "job-1",
        "resize_mode": "squash",
        "threshold": 0.5,
        "threshold_source": "sensitivity of at least 0.95 on 160 validation images",
        "evaluation": evaluation(),
        "report_url": "https://example.org/report.html?X-Amz-Signature=0",
        "cost": COST,
        "lease": LEASE,
    }
    return 200, json.dumps(document | changes).encode(), {}


def page(api: Api, *answers: Answer) -> AppTest:
    api.gateway_answers.extend(answers)
    return started("model_page")


def test_every_headline_has_its_interval_and_n(api: Api) -> None:
    app = page(api, model())
    test = evaluation()["splits"]["test"]
    assert [metric.label for metric in app.metric] == ["AUROC", "Sensitivity", "Specificity", "Accuracy"]
    assert app.metric[0].value == f"{test['AUROC']['value']:.3f}"
    told = [caption.value for caption in app.caption]
    assert f"[{test['AUROC']['low']:.3f}, {test['AUROC']['high']:.3f}], n = {test['AUROC']['n']} patients" in told


def test_warnings_subgroups_audit_and_card_are_on_the_page(api: Api) -> None:
    app = page(api, model())
    text, facts = everything(app), evaluation()
    for words in [*facts["warnings"], *facts["audit"]["sentences"], facts["card"]["Not intended for"]]:
        assert words[:60] in text
    assert "against the same images as they were" in text
    kinds = app.table[1].value
    assert list(kinds["Kind"].unique()) == list(facts["subgroups"])


def test_the_calibration_error_stands_beside_what_chance_gives(api: Api) -> None:
    calibration = evaluation()["calibration"]
    error = calibration["compared"][calibration["method"]]["test"]["ECE"]
    text = everything(page(api, model()))
    assert f"{error['value']:.3f}; chance alone gives {error['chance_low']:.3f} to {error['chance_high']:.3f}" in text


def test_the_reliability_chart_has_an_interval_for_each_bin() -> None:
    bins = evaluation()["curves"]["reliability"]
    drawn = charts.reliability(bins).to_dict()
    points = [row for data in drawn["datasets"].values() for row in data if "low" in row]
    expected = [(one["low"], one["high"]) for of_split in bins.values() for one in of_split]
    assert [(row["low"], row["high"]) for row in points] == expected
    assert any(layer["mark"]["type"] == "rule" and "y2" in layer["encoding"] for layer in drawn["layer"])


def test_images_of_unknown_patients_are_said_beside_the_headline(api: Api) -> None:
    facts = computed(test=without_patients(split(2, "test"))).metrics | {"dataset": "images/0123"}
    facts |= {"warnings": report.warnings(facts)}
    text = everything(page(api, model(evaluation=facts)))
    assert "n = 160 images of unknown patients" in text
    assert "160 of 160 test images" in text


def test_an_evaluation_without_curves_or_audit_still_makes_a_page(api: Api) -> None:
    facts = {name: one for name, one in evaluation().items() if name not in ("curves", "audit", "card", "warnings")}
    assert page(api, model(evaluation=facts)).metric


def test_the_cost_is_told_with_its_date(api: Api) -> None:
    text = everything(page(api, model()))
    assert "0.115 USD an hour" in text
    assert "read 2026-09-28" in text


def test_a_sleeping_serverless_endpoint_costs_nothing(api: Api) -> None:
    cost = COST | {"per_hour": 0.0, "per_inference_second": 0.00006, "what": "serverless, 3 GB"}
    text = everything(page(api, model(cost=cost, lease=None)))
    assert "Nothing while nobody asks; 0.00006 USD" in text
    assert "stays until somebody deletes it" in text


def test_the_lease_says_how_long_and_is_extended_by_a_button(api: Api) -> None:
    app = page(api, model())
    assert "2 h 13 min" in everything(app)
    extended = LEASE | {"seconds_left": 28800}
    api.gateway_answers.extend([(200, json.dumps(extended).encode(), {}), model(lease=extended)])
    (button,) = app.button
    assert "0.92 USD" in button.label
    button.click().run()
    assert api.bodies == [b'{"hours": 8}']
    assert "8 h 0 min" in everything(app)


def test_a_lease_that_cannot_be_extended_says_why(api: Api) -> None:
    app = page(api, model())
    api.gateway_answers.append(refused_by_gateway("THROTTLED", **{"Retry-After": "1"}))
    app.button[0].click().run()
    assert "Too many requests" in app.error[0].value


@pytest.mark.parametrize("lease", [LEASE | {"extend_hours": None}, LEASE | {"seconds_left": 0}])
def test_no_button_is_offered_where_nothing_can_be_extended(api: Api, lease: dict[str, Any]) -> None:
    assert not page(api, model(lease=lease)).button


def test_a_model_without_an_evaluation_is_not_praised(api: Api) -> None:
    app = page(api, model(evaluation=None, report_url=None))
    assert "deployed without an evaluation" in app.info[0].value
    assert not app.metric


def test_an_api_that_does_not_answer_can_be_asked_again(api: Api) -> None:
    app = page(api, refused_by_gateway("INTEGRATION_TIMEOUT"))
    assert app.error
    api.gateway_answers.append(model())
    app.button[0].click().run()
    assert app.metric
    assert KEY not in everything(app)
