"""A schedule calls SageMaker at its time, as its role and not as anybody else."""

import datetime as dt
import json
from typing import Any

import pytest

from tests.localaws.sagemaker.conftest import Cloud, make_config, make_endpoint, make_model, make_role, unique, until


def schedule(cloud: Cloud, endpoint: str, role: str, seconds: float) -> str:
    """Let EventBridge Scheduler delete an endpoint in so many seconds; return the schedule's name."""
    name, moment = unique("lease"), dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    cloud.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:deleteEndpoint",
            "RoleArn": role,
            "Input": json.dumps({"EndpointName": endpoint}),
        },
    )
    return name


def role_that_may(cloud: Cloud, action: str, service: str = "scheduler.amazonaws.com") -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/*"}
    return make_role(cloud.client("iam"), unique("lease"), service, {"Version": "2012-10-17", "Statement": [statement]})


def endpoints(cloud: Cloud) -> list[str]:
    return [one["EndpointName"] for one in cloud.client("sagemaker").list_endpoints()["Endpoints"]]


@pytest.fixture(scope="module")
def config(cloud: Cloud) -> Any:
    return make_config(cloud, make_model(cloud))


def test_the_endpoint_is_gone_when_its_time_has_come(cloud: Cloud, config: str) -> None:
    endpoint = make_endpoint(cloud, config)
    schedule(cloud, endpoint, role_that_may(cloud, "sagemaker:DeleteEndpoint"), 1)
    until(lambda: endpoint not in endpoints(cloud), 10)


def test_a_schedule_moved_into_the_future_fires_then_and_not_now(cloud: Cloud, config: str) -> None:
    endpoint, scheduler = make_endpoint(cloud, config), cloud.client("scheduler")
    name = schedule(cloud, "gone-already", role_that_may(cloud, "sagemaker:DeleteEndpoint"), -5)
    log = cloud.state.parent / "server.log"
    until(lambda: f"Schedule {name} could not call DeleteEndpoint" in log.read_text(), 10)
    found = scheduler.get_schedule(Name=name)
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)
    target = found["Target"] | {"Input": json.dumps({"EndpointName": endpoint})}
    scheduler.update_schedule(
        Name=name,
        ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )
    assert endpoint in endpoints(cloud)
    until(lambda: endpoint not in endpoints(cloud), 10)


@pytest.mark.parametrize(
    ("action", "service", "told"),
    [
        (
            "sagemaker:DescribeEndpoint",
            "scheduler.amazonaws.com",
            "not authorized to perform: sagemaker:DeleteEndpoint",
        ),
        ("sagemaker:DeleteEndpoint", "lambda.amazonaws.com", "Could not assume role"),
    ],
)
def test_a_schedule_can_do_what_its_role_may_and_no_more(
    cloud: Cloud, config: str, action: str, service: str, told: str
) -> None:
    endpoint = make_endpoint(cloud, config)
    name = schedule(cloud, endpoint, role_that_may(cloud, action, service), 0)
    log = cloud.state.parent / "server.log"
    until(lambda: f"Schedule {name} could not call DeleteEndpoint" in log.read_text(), 10)
    (line,) = [line for line in log.read_text().splitlines() if f"Schedule {name} could not" in line]
    assert told in line
    assert endpoint in endpoints(cloud)
