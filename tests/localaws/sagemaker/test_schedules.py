"""Schedules call SageMaker at their time with the permissions of their role."""

import datetime as dt
import json
from typing import Any

import botocore.exceptions
import pytest

from tests.localaws.sagemaker.builders import (
    Cloud,
    make_config,
    make_endpoint,
    make_model,
    make_role,
    scale,
    unique,
    until,
)


def schedule(cloud: Cloud, endpoint: str, role: str, seconds: float, dead_letters: str = "") -> str:
    """Schedule the deletion of an endpoint in `seconds`; return the schedule's name."""
    failures = {"DeadLetterConfig": {"Arn": dead_letters}} if dead_letters else {}
    name, moment = unique("lease"), dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    cloud.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:deleteEndpoint",
            "RoleArn": role,
            "Input": json.dumps({"EndpointName": endpoint}),
            **failures,
        },
    )
    return name


def role_that_may(cloud: Cloud, action: str, service: str = "scheduler.amazonaws.com") -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/*"}
    return make_role(cloud.client("iam"), unique("lease"), service, {"Version": "2012-10-17", "Statement": [statement]})


def endpoints(cloud: Cloud) -> list[str]:
    return [endpoint["EndpointName"] for endpoint in cloud.client("sagemaker").list_endpoints()["Endpoints"]]


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
    description = scheduler.get_schedule(Name=name)
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)
    target = description["Target"] | {"Input": json.dumps({"EndpointName": endpoint})}
    scheduler.update_schedule(
        Name=name,
        ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=target,
    )
    assert endpoint in endpoints(cloud)
    until(lambda: endpoint not in endpoints(cloud), 10)


def test_a_rule_of_eventbridge_still_reaches_its_target(cloud: Cloud) -> None:
    sqs, events, name = cloud.client("sqs"), cloud.client("events"), unique("rule")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [allow | {"Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    events.put_events(Entries=[{"Source": name, "DetailType": "ward", "Detail": '{"bed": 3}'}])
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"])["detail"] == {"bed": 3}


@pytest.mark.parametrize(
    ("action", "service", "reason"),
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
    cloud: Cloud, config: str, action: str, service: str, reason: str
) -> None:
    endpoint = make_endpoint(cloud, config)
    name = schedule(cloud, endpoint, role_that_may(cloud, action, service), 0)
    log = cloud.state.parent / "server.log"
    until(lambda: f"Schedule {name} could not call DeleteEndpoint" in log.read_text(), 10)
    (line,) = [line for line in log.read_text().splitlines() if f"Schedule {name} could not" in line]
    assert reason in line
    assert endpoint in endpoints(cloud)


def role_with(cloud: Cloud, *statements: dict[str, Any], account: str = "000000000000") -> str:
    """Create a role that EventBridge Scheduler may assume for one account; return its ARN."""
    iam, name = cloud.client("iam"), unique("lease")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "scheduler.amazonaws.com"}}
    trust |= {"Condition": {"StringEquals": {"aws:SourceAccount": account}}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="grants", PolicyDocument=policy)
    return str(arn)


DELETE = {
    "Effect": "Allow",
    "Action": "sagemaker:DeleteEndpoint",
    "Resource": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/*",
}
DEREGISTER = {
    "Effect": "Allow",
    "Action": "application-autoscaling:DeregisterScalableTarget",
    "Resource": "arn:aws:application-autoscaling:us-east-1:000000000000:scalable-target/*",
    "Condition": {
        "StringEquals": {
            "application-autoscaling:service-namespace": "sagemaker",
            "application-autoscaling:scalable-dimension": "sagemaker:variant:DesiredInstanceCount",
        }
    },
}


def test_an_endpoint_that_scales_is_deleted_only_by_a_role_that_may_deregister_its_target(
    cloud: Cloud, config: str
) -> None:
    endpoint = make_endpoint(cloud, config)
    scale(cloud, endpoint)
    name = schedule(cloud, endpoint, role_with(cloud, DELETE), 0)
    log = cloud.state.parent / "server.log"
    until(lambda: f"Schedule {name} could not call DeleteEndpoint" in log.read_text(), 10)
    assert "does not have application-autoscaling:DeregisterScalableTarget permission" in log.read_text()
    assert endpoint in endpoints(cloud)
    schedule(cloud, endpoint, role_with(cloud, DELETE, DEREGISTER), 0)
    until(lambda: endpoint not in endpoints(cloud), 10)


def test_a_role_that_trusts_the_scheduler_for_another_account_is_not_taken(cloud: Cloud, config: str) -> None:
    endpoint = make_endpoint(cloud, config)
    name = schedule(cloud, endpoint, role_with(cloud, DELETE, account="111111111111"), 0)
    log = cloud.state.parent / "server.log"
    until(lambda: f"Schedule {name} could not call DeleteEndpoint: Could not assume role" in log.read_text(), 10)
    assert endpoint in endpoints(cloud)


@pytest.mark.parametrize("may_report", [True, False])
def test_a_call_that_failed_is_in_the_dead_letter_queue_with_its_reason_where_the_role_may_send(
    cloud: Cloud, may_report: bool
) -> None:
    sqs, log = cloud.client("sqs"), cloud.state.parent / "server.log"
    url = sqs.create_queue(QueueName=unique("failures"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn if may_report else f"{arn}-other"}
    name = schedule(cloud, "no-such-endpoint", role_with(cloud, DELETE, send), 0, arn)
    until(lambda: f"Schedule {name} could not call DeleteEndpoint" in log.read_text(), 10)
    if not may_report:
        until(lambda: f"The dead-letter queue {arn} did not get the call" in log.read_text(), 10)
    messages = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], WaitTimeSeconds=3).get("Messages", [])
    assert len(messages) == int(may_report)
    for message in messages:
        assert json.loads(message["Body"]) == {"EndpointName": "no-such-endpoint"}
        assert "no-such-endpoint" in message["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]


def move_schedule(cloud: Cloud, schedule_name: str, *statements: dict[str, Any]) -> str:
    """Move a schedule by an hour as a role with these statements; return the error's code, "" after success."""
    description = cloud.client("scheduler").get_schedule(Name=schedule_name)
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
            FlexibleTimeWindow=description["FlexibleTimeWindow"],
            Target=description["Target"],
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
    assert ("AccessDenied" in move_schedule(cloud, name, move, give)) is refused
    assert (cloud.client("scheduler").get_schedule(Name=name)["ScheduleExpression"] == before) is refused
