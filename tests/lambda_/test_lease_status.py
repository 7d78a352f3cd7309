"""GET /model returns the end of the lease from its schedule, on a scheduler that enforces IAM."""

import datetime as dt
import json
import time
from typing import Any

import jsonschema
import pytest
from inference_proxy import lease_status
from inference_proxy.routes import OPENAPI

from tests.localaws.server.builders import Server
from tests.ports import free_port

from .conftest import ENVIRONMENT, Ask
from .events import get
from .runtime import Reply, Runtime, failure

NAME = ENVIRONMENT["LEASE_SCHEDULE"]
DEPLOYED_END = f"{ENVIRONMENT['LEASE_ENDS']}Z"
READ = {
    "Effect": "Allow",
    "Action": "scheduler:GetSchedule",
    "Resource": f"arn:aws:scheduler:us-east-1:000000000000:schedule/default/{NAME}",
}
TARGET = {
    "Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:deleteEndpoint",
    "RoleArn": "arn:aws:iam::000000000000:role/lease",
    "Input": '{"EndpointName": "pneumonia-test"}',
}
SCHEMAS: dict[str, Any] = json.loads(OPENAPI.read_text(encoding="utf-8"))["components"]["schemas"]


class Schedule:
    """The lease's schedule, as the account's root changes it."""

    def __init__(self, server: Server) -> None:
        self.client = server.client("scheduler")

    def put(self, hours: float, **changes: Any) -> str:
        """Create or update the schedule, and return its end as the API shows it."""
        ends = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)).replace(microsecond=0)
        names = [schedule["Name"] for schedule in self.client.list_schedules()["Schedules"]]
        write = self.client.update_schedule if NAME in names else self.client.create_schedule
        write(
            **{
                "Name": NAME,
                "ScheduleExpression": f"at({ends:%Y-%m-%dT%H:%M:%S})",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": TARGET,
                **changes,
            }
        )
        return f"{ends:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture
def schedule(server: Server, runtime: Runtime, environment: pytest.MonkeyPatch) -> Schedule:
    """A schedule that the function can read, as its role in infra/ allows."""
    act_as(server, environment, READ)
    return Schedule(server)


def act_as(server: Server, environment: pytest.MonkeyPatch, *statements: dict[str, Any]) -> None:
    key, secret, token = server.role(f"proxy-{time.monotonic_ns()}", *statements)
    environment.setenv("AWS_ENDPOINT_URL_SCHEDULER", f"http://localhost:{server.port}")
    environment.setenv("AWS_REGION", "us-east-1")
    environment.setenv("AWS_ACCESS_KEY_ID", key)
    environment.setenv("AWS_SECRET_ACCESS_KEY", secret)
    environment.setenv("AWS_SESSION_TOKEN", token)


def lease(ask: Ask) -> Any:
    """Return the lease in GET /model."""
    response = ask(get("/model"))
    assert response.status == 200
    return response.body["lease"]


def test_the_lease_ends_when_the_schedule_acts_and_not_as_deployed(ask: Ask, schedule: Schedule) -> None:
    ends = schedule.put(hours=2)
    status = lease(ask)
    jsonschema.validate(status, SCHEMAS["LeaseStatus"])
    assert status["ends"] == ends != DEPLOYED_END
    assert 7000 < status["seconds_left"] <= 7200


def test_the_schedule_is_read_again_after_a_while(
    ask: Ask, schedule: Schedule, environment: pytest.MonkeyPatch
) -> None:
    before = schedule.put(hours=2)
    assert lease(ask)["ends"] == before
    after = schedule.put(hours=5)
    assert lease(ask)["ends"] == before
    now = time.monotonic()
    environment.setattr(lease_status.time, "monotonic", lambda: now + lease_status.CACHE_SECONDS)
    assert lease(ask)["ends"] == after


@pytest.mark.parametrize(("hours", "state"), [(-1, "ENABLED"), (1, "DISABLED")])
def test_a_lease_that_is_over_has_no_seconds_left(hours: float, state: str, ask: Ask, schedule: Schedule) -> None:
    ends = schedule.put(hours, State=state)
    assert lease(ask) == {"ends": ends, "seconds_left": 0}


def test_a_deleted_schedule_is_no_lease(ask: Ask, schedule: Schedule) -> None:
    schedule.put(hours=2)
    schedule.client.delete_schedule(Name=NAME)
    assert lease(ask) is None


def test_without_a_schedule_there_is_no_lease(ask: Ask, runtime: Runtime, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LEASE_SCHEDULE", "")
    assert lease(ask) is None
    assert runtime.received == []


def test_without_the_grant_the_deployed_end_is_shown(
    ask: Ask, schedule: Schedule, server: Server, environment: pytest.MonkeyPatch
) -> None:
    schedule.put(hours=2)
    act_as(server, environment)
    assert lease(ask)["ends"] == DEPLOYED_END


@pytest.mark.parametrize(
    "reply",
    [
        failure(500, "InternalServerException"),
        failure(429, "ThrottlingException"),
        Reply(body=b"<html>"),
        Reply(body=b"[]"),
        Reply(body=b'{"ScheduleExpression": "rate(1 hour)", "State": "ENABLED"}'),
        Reply(body=b'{"ScheduleExpression": "at(2026-13-32T00:00:00)", "State": "ENABLED"}'),
        Reply(body=b'{"ScheduleExpression": 7, "State": "ENABLED"}'),
        Reply(reset=True),
    ],
)
def test_a_failure_of_the_scheduler_is_logged_and_the_deployed_end_is_shown(
    reply: Reply, ask: Ask, runtime: Runtime, capfd: pytest.CaptureFixture[str]
) -> None:
    runtime.model = lambda received: reply
    assert lease(ask)["ends"] == DEPLOYED_END
    line = json.loads(capfd.readouterr().out)
    assert (line["status"], line["code"], line["degraded"]) == (200, "", "lease_unavailable")
    assert line["cause"]


def test_an_unreachable_scheduler_is_a_failure_too(ask: Ask, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL_SCHEDULER", f"http://127.0.0.1:{free_port()}")
    assert lease(ask)["ends"] == DEPLOYED_END
