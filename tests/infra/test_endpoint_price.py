"""The endpoint's cost in the API is that of the project's price table."""

import json
from typing import Any

import pytest
from aws_cdk.assertions import Template

from infra import endpoint_price, resolution
from ml import cost as estimate
from ml import project
from ml.training import prices

from .builders import Synth, context, variables

TABLE = prices.read(None)


def price(**changes: Any) -> dict[str, Any] | None:
    return endpoint_price.endpoint(resolution.read(context(**changes)), endpoint_price.read())


def test_the_default_is_one_instance_by_the_hour() -> None:
    assert price() == {
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
def test_the_cost_is_that_of_the_minimum_of_instances_as_in_the_estimate(changes: dict[str, str], what: str) -> None:
    cost = price(**changes)
    given = [f"{name}={value}" for name, value in changes.items()]
    hourly, _, _ = estimate.endpoint(TABLE, project.settings("dev", given), 1, 1.0)
    assert cost is not None
    assert cost["per_hour"] == pytest.approx(hourly)
    assert cost["what"] == what


def test_a_serverless_endpoint_costs_by_the_second_of_an_inference() -> None:
    cost = price(hosting="serverless", serverless_memory_mb="3072")
    assert cost is not None
    assert (cost["per_hour"], cost["per_inference_second"], cost["what"]) == (0.0, 0.00006, "serverless, 3 GB")


@pytest.mark.parametrize(("given", "used"), [("1024", 3008), ("4096", 4096)])
def test_a_function_costs_by_the_second_as_in_the_estimate_and_nothing_an_hour(given: str, used: int) -> None:
    cost = price(hosting="function", function_memory_mb=given)
    settings = project.settings("dev", ["hosting=function", f"function_memory_mb={given}"])
    _, month, _ = estimate.endpoint(TABLE, settings, 1000, 2.0)
    requests = 1000 * TABLE["lambda_million_requests"] / 1e6
    assert cost is not None
    assert cost["per_hour"] == 0
    assert cost["per_inference_second"] == pytest.approx(used / 1024 * TABLE["lambda_gb_second"], abs=1e-8)
    assert month == pytest.approx(2000 * used / 1024 * TABLE["lambda_gb_second"] + requests)


def test_an_instance_without_a_price_has_no_cost(synth: Synth) -> None:
    assert price(instance_type="ml.p5.48xlarge") is None
    assert variables(synth(instance_type="ml.p5.48xlarge")["Api"])["ENDPOINT_COST"] == ""


def test_the_proxy_gets_the_cost(api: Template) -> None:
    assert json.loads(variables(api)["ENDPOINT_COST"]) == price()
