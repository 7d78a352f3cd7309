"""A schedule calls SageMaker at its time, as its role and not as anybody else."""

import datetime as dt
import json
from typing import Any

import botocore.exceptions
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


def moving(cloud: Cloud, schedule_name: str, *statements: dict[str, Any]) -> str:
    """Move a schedule by an hour as a role with these statements; return the error's code, "" where it was moved."""
    found = cloud.client("scheduler").get_schedule(Name=schedule_name)
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    trust = {"AWS": "arn:aws:iam::000000000000:root"}
    iam, name = cloud.client("iam"), unique("mover")
    arn = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trust}}
        ),
    )["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="grants", PolicyDocument=json.dumps(policy))
    keys = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    session = cloud.session(*(keys[part] for part in ("AccessKeyId", "SecretAccessKey", "SessionToken")))
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    try:
        cloud.client_of(session, "scheduler").update_schedule(
            Name=schedule_name,
            ScheduleExpression=f"at({later:%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow=found["FlexibleTimeWindow"],
            Target=found["Target"],
        )
    except botocore.exceptions.ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@pytest.mark.parametrize(
    ("service", "passed", "refused"),
    [
        ("scheduler.amazonaws.com", "", False),
        ("lambda.amazonaws.com", "", True),
        ("scheduler.amazonaws.com", "-other", True),
    ],
)
def test_who_moves_a_schedule_must_be_allowed_to_pass_its_role_to_the_scheduler(
    cloud: Cloud, service: str, passed: str, refused: bool
) -> None:
    role = role_that_may(cloud, "sagemaker:DeleteEndpoint")
    name = schedule(cloud, "any", role, 600)
    move = {"Effect": "Allow", "Action": "scheduler:UpdateSchedule", "Resource": "*"}
    condition = {"StringEquals": {"iam:PassedToService": service}}
    give = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role + passed, "Condition": condition}
    before = cloud.client("scheduler").get_schedule(Name=name)["ScheduleExpression"]
    assert ("AccessDenied" in moving(cloud, name, move, give)) is refused
    assert (cloud.client("scheduler").get_schedule(Name=name)["ScheduleExpression"] == before) is refused
