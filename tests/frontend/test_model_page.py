"""The page about the model, with an evaluation that the project's own code made."""

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

from .conftest import KEY, Answer, Api, all_text, gateway_error, run_page

LEASE = {"ends": "2026-11-25T18:00:00Z", "seconds_left": 7980}
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
    audited = audit(encoded_images(shortcut=True))
    document = evaluated().metrics | {"training_job": "job-1", "dataset": "images/0123", "forced": False}
    document |= {"card": report.card(document), "warnings": report.warnings(document)}
    return document | {"audit": audit_of({"audit": audited, "verdict": verdict(audited)})}


def model(**changes: Any) -> Answer:
    document = {
        "model_version": "job-1",
        "resize_mode": "squash",
        "threshold": 0.5,
        "threshold_source": "sensitivity of at least 0.95 on 160 validation images",
        "evaluation": evaluation(),
        "report_url": "https://example.org/report.html?X-Amz-Signature=0",
        "cost": COST,
        "endpoint": {"name": "pneumonia-test"},
        "lease": LEASE,
    }
    return 200, json.dumps(document | changes).encode(), {}


def page(api: Api, *answers: Answer) -> AppTest:
    api.gateway_answers.extend(answers)
    return run_page("model_page")


def test_an_error_of_the_api_is_shown_with_its_next_step(api: Api) -> None:
    app = page(api, gateway_error("INVALID_API_KEY"))
    assert "Set API_KEY" in app.error[0].value
    assert KEY not in all_text(app)


def test_an_unknown_price_names_the_command_that_finds_it(api: Api) -> None:
    assert "python -m ml.cost" in all_text(page(api, model(cost=None)))


RENDERED: list[AppTest] = []


@pytest.fixture
def app(api: Api) -> AppTest:
    """The page of `model()`, which is drawn once: the tests only read it."""
    if not RENDERED:
        RENDERED.append(page(api, model()))
    return RENDERED[0]


def test_every_headline_metric_has_its_interval_and_n(app: AppTest) -> None:
    test = evaluation()["splits"]["test"]
    assert [metric.label for metric in app.metric] == ["AUROC", "Sensitivity", "Specificity", "Accuracy"]
    assert app.metric[0].value == f"{test['AUROC']['value']:.3f}"
    captions = [caption.value for caption in app.caption]
    assert f"[{test['AUROC']['low']:.3f}, {test['AUROC']['high']:.3f}], n = {test['AUROC']['n']} patients" in captions


def test_warnings_subgroups_audit_and_card_are_on_the_page(app: AppTest) -> None:
    text, document = all_text(app), evaluation()
    for sentence in [*document["warnings"], *document["audit"]["sentences"], document["card"]["Not intended for"]]:
        assert sentence[:60] in text
    assert "Perturbed validation" in text
    assert list(app.table[1].value["Subgroup"].unique()) == list(document["subgroups"])


def test_every_external_evaluation_is_shown_beside_the_test_images(api: Api) -> None:
    own = evaluation()["splits"]["test"]
    auroc = {"value": 0.473, "low": 0.403, "high": 0.543, "n": 265, "unit": "patients"}
    external = {"nih/0123": {"images": 400, "metrics": own | {"AUROC": auroc}}}
    app = page(api, model(evaluation=evaluation() | {"external": external}))
    table = app.table[2].value.set_index("Metric").loc["AUROC"]
    assert table["nih/0123"] == "0.473 [0.403, 0.543] n = 265 patients"
    assert table["Test images of images/0123"].startswith(f"{own['AUROC']['value']:.3f} [")


def test_without_an_external_evaluation_the_page_says_so(app: AppTest) -> None:
    assert "None recorded" in all_text(app)


def test_the_calibration_error_is_shown_with_its_range_by_chance(app: AppTest) -> None:
    calibration = evaluation()["calibration"]
    error = calibration["compared"][calibration["method"]]["test"]["ECE"]
    text = all_text(app)
    assert all(f"{error[key]:.3f}" in text for key in ("value", "chance_low", "chance_high"))


def test_the_reliability_chart_has_an_interval_for_each_bin() -> None:
    bins = evaluation()["curves"]["reliability"]
    drawn = charts.reliability(bins).to_dict()
    points = [row for data in drawn["datasets"].values() for row in data if "low" in row]
    expected = [(point["low"], point["high"]) for split in bins.values() for point in split]
    assert [(row["low"], row["high"]) for row in points] == expected
    assert any(layer["mark"]["type"] == "rule" and "y2" in layer["encoding"] for layer in drawn["layer"])


def test_unknown_patients_are_mentioned_beside_the_headline(api: Api) -> None:
    document = computed(test=without_patients(split(2, "test"))).metrics | {"dataset": "images/0123"}
    document |= {"warnings": report.warnings(document)}
    text = all_text(page(api, model(evaluation=document)))
    assert "n = 160 images of unknown patients" in text
    assert "160 of 160 test images" in text


def test_an_evaluation_without_curves_or_audit_is_shown(api: Api) -> None:
    missing = ("curves", "audit", "card", "warnings")
    document = {name: value for name, value in evaluation().items() if name not in missing}
    assert page(api, model(evaluation=document)).metric


def test_the_cost_is_shown_with_its_date(app: AppTest) -> None:
    text = all_text(app)
    assert "0.115 USD an hour" in text
    assert "2026-09-28" in text


def test_an_idle_serverless_endpoint_costs_nothing(api: Api) -> None:
    cost = COST | {"per_hour": 0.0, "per_inference_second": 0.00006, "what": "serverless, 3 GB"}
    text = all_text(page(api, model(cost=cost, lease=None)))
    assert "0.00006 USD" in text
    assert "nothing while it is idle" in text
    assert "no lease" in text


def test_a_model_in_the_function_has_nothing_to_lease(api: Api) -> None:
    text = all_text(page(api, model(endpoint=None, lease=None)))
    assert "nothing to lease" in text
    assert "no lease" not in text


@pytest.mark.parametrize(("seconds", "text"), [(7980, "2 h 13 min"), (0, "lease is over")])
def test_the_lease_says_how_much_time_is_left(api: Api, seconds: int, text: str) -> None:
    app = page(api, model(lease=LEASE | {"seconds_left": seconds}))
    assert text in all_text(app)
    assert not app.button


def test_without_an_evaluation_the_threshold_is_not_validated(api: Api) -> None:
    app = page(api, model(evaluation=None, report_url=None))
    assert "not been validated" in app.info[0].value
    assert not app.metric


def test_after_a_timeout_the_model_can_be_requested_again(api: Api) -> None:
    app = page(api, gateway_error("INTEGRATION_TIMEOUT"))
    assert app.error
    api.gateway_answers.append(model())
    app.button[0].click().run()
    assert app.metric
    assert KEY not in all_text(app)
