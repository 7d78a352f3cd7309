"""What the API says the endpoint costs is what the project's price table says."""

import json
from typing import Any

import pytest

from infra import endpoint_price, settings
from ml import cost as estimate
from ml import project
from ml.training import prices

from .conftest import Synth, context, properties

TABLE = prices.read(None)


def told(**changes: Any) -> dict[str, Any] | None:
    return endpoint_price.endpoint(settings.read(context(**changes)), endpoint_price.read())


def test_the_default_is_one_instance_by_the_hour() -> None:
    assert told() == {
        "per_hour": TABLE["hosting_hour"]["ml.m5.large"],
        "per_inference_second": None,
        "currency": "USD",
        "what": "1 x ml.m5.large",
        "price_region": "us-east-1",
        "read": TABLE["read"],
    }


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"instance_count": "3", "instance_type": "ml.c5.xlarge"}, "3 x ml.c5.xlarge"),
        ({"instance_count": "2", "autoscaling_max_instances": "5"}, "2 to 5 x ml.m5.large"),
    ],
)
def test_instances_are_counted_at_their_least_as_the_estimate_does(changes: dict[str, str], what: str) -> None:
    found = told(**changes)
    given = [f"{name}={value}" for name, value in changes.items()]
    hourly, _, _ = estimate.endpoint(TABLE, project.settings("dev", given), 1, 1.0)
    assert found is not None
    assert found["per_hour"] == pytest.approx(hourly)
    assert found["what"] == what


def test_a_serverless_endpoint_costs_by_the_second_of_an_inference() -> None:
    found = told(hosting="serverless", serverless_memory_mb="3072")
    assert found is not None
    assert (found["per_hour"], found["per_inference_second"], found["what"]) == (0.0, 0.00006, "serverless, 3 GB")


def test_an_instance_without_a_price_has_no_cost(synth: Synth) -> None:
    assert told(instance_type="ml.p5.48xlarge") is None
    (function,) = properties(synth(instance_type="ml.p5.48xlarge")["Api"], "AWS::Lambda::Function")
    assert function["Environment"]["Variables"]["ENDPOINT_COST"] == ""


def test_the_proxy_is_told(synth: Synth) -> None:
    (function,) = properties(synth()["Api"], "AWS::Lambda::Function")
    assert json.loads(function["Environment"]["Variables"]["ENDPOINT_COST"]) == told()
