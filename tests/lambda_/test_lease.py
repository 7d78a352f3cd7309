"""GET /model says when the endpoint deletes itself, and POST /lease puts that off, on a scheduler that enforces IAM."""

import datetime as dt
import json
import signal
import time
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from inference_proxy import lease
from inference_proxy.routes import OPENAPI

from tests.localaws.server.builders import Server
from tests.ports import free_port

from .conftest import ENVIRONMENT, Ask, Response
from .events import event
from .hostile import assert_problem, extension
from .runtime import Reply, Runtime, failure

NAME = ENVIRONMENT["LEASE_SCHEDULE"]
SCHEDULE = f"arn:aws:scheduler:us-east-1:000000000000:schedule/default/{NAME}"
ROLE = "arn:aws:iam::000000000000:role/lease"
SEE = {"Effect": "Allow", "Action": "scheduler:GetSchedule", "Resource": SCHEDULE}
MOVE = {"Effect": "Allow", "Action": "scheduler:UpdateSchedule", "Resource": SCHEDULE}
PASS = {
    "Effect": "Allow",
    "Action": "iam:PassRole",
    "Resource": ROLE,
    "Condition": {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
}
TARGET = {
    "Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:deleteEndpoint",
    "RoleArn": ROLE,
    "Input": '{"EndpointName": "pneumonia-test"}',
}
SCHEMAS: dict[str, Any] = json.loads(OPENAPI.read_text(encoding="utf-8"))["components"]["schemas"]


def in_hours(hours: float) -> dt.datetime:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)).replace(microsecond=0)


class Schedule:
    """The lease's schedule, as the account's root sees and changes it."""

    def __init__(self, cloud: Server) -> None:
        self.client = cloud.client("scheduler")

    def put(self, ends: dt.datetime, **changes: Any) -> None:
        existing = NAME in [one["Name"] for one in self.client.list_schedules()["Schedules"]]
        write = self.client.update_schedule if existing else self.client.create_schedule
        write(
            **{
                "Name": NAME,
                "Description": "Deletes the endpoint.",
                "ScheduleExpression": f"at({ends:%Y-%m-%dT%H:%M:%S})",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": TARGET,
                **changes,
            }
        )

    def get(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get_schedule(Name=NAME)
        return {key: value for key, value in found.items() if key not in ("ResponseMetadata", "LastModificationDate")}

    @property
    def ends(self) -> dt.datetime:
        return dt.datetime.strptime(self.get()["ScheduleExpression"], "at(%Y-%m-%dT%H:%M:%S)").replace(tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("lease") / "state", free_port())
    running.start()
    yield running
    running.end(signal.SIGTERM)


@pytest.fixture
def schedule(cloud: Server, runtime: Runtime, environment: pytest.MonkeyPatch) -> Schedule:
    """A schedule that acts in two hours; the function may do what its role in infra/ may."""
    act_as(cloud, environment, SEE, MOVE, PASS)
    made = Schedule(cloud)
    made.put(in_hours(2))
    return made


def act_as(cloud: Server, environment: pytest.MonkeyPatch, *statements: dict[str, Any]) -> None:
    key, secret, token = cloud.role(f"proxy-{time.monotonic_ns()}", *statements)
    environment.setenv("AWS_ENDPOINT_URL_SCHEDULER", f"http://localhost:{cloud.port}")
    environment.setenv("AWS_REGION", "us-east-1")
    environment.setenv("AWS_ACCESS_KEY_ID", key)
    environment.setenv("AWS_SECRET_ACCESS_KEY", secret)
    environment.setenv("AWS_SESSION_TOKEN", token)


def told(ask: Ask) -> dict[str, Any] | None:
    """Return the lease in GET /model."""
    found = ask(event("health") | {"resource": "/model", "path": "/model"})
    assert found.status == 200
    given: dict[str, Any] | None = found.body["lease"]
    return given


def extended(ask: Ask, hours: int) -> Response:
    return ask(extension(json.dumps({"hours": hours})))


def shown(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def test_the_model_says_when_the_schedule_acts_and_not_what_was_deployed(ask: Ask, schedule: Schedule) -> None:
    found = told(ask)
    assert found is not None
    jsonschema.validate(found, SCHEMAS["Lease"])
    assert found["ends"] == shown(schedule.ends)
    assert 7190 <= found["seconds_left"] <= 7200
    assert found["extend_hours"] == 8


def test_the_schedule_is_asked_once_in_a_while_and_again_after_that(
    ask: Ask, schedule: Schedule, environment: pytest.MonkeyPatch
) -> None:
    before = told(ask)
    schedule.put(in_hours(5))
    assert before is not None
    again = told(ask)
    assert again is not None
    assert again["ends"] == before["ends"]
    now = time.monotonic()
    environment.setattr(lease.time, "monotonic", lambda: now + lease.KEPT_SECONDS)
    after = told(ask)
    assert after is not None
    assert after["ends"] == shown(schedule.ends)


def test_an_extension_moves_the_schedule_and_leaves_the_rest_of_it(ask: Ask, schedule: Schedule) -> None:
    before = schedule.get()
    found = extended(ask, 3)
    assert found.status == 200
    jsonschema.validate(found.body, SCHEMAS["ExtendedLease"])
    assert 10790 <= found.body["seconds_left"] <= 10800
    assert (found.body["ends"], found.body["extend_hours"]) == (shown(schedule.ends), 8)
    assert abs(schedule.ends - in_hours(3)) < dt.timedelta(seconds=10)
    assert {**schedule.get(), "ScheduleExpression": before["ScheduleExpression"]} == before
    now = told(ask)
    assert now is not None
    assert now["ends"] == found.body["ends"]


def test_an_extension_never_shortens_a_lease(ask: Ask, schedule: Schedule) -> None:
    before = schedule.get()
    found = extended(ask, 1)
    assert (found.status, found.body["ends"]) == (200, shown(schedule.ends))
    assert schedule.get() == before


def test_an_extension_goes_by_the_schedule_and_not_by_what_is_remembered(ask: Ask, schedule: Schedule) -> None:
    told(ask)
    schedule.put(in_hours(7))
    assert extended(ask, 4).body["ends"] == shown(schedule.ends)
    assert schedule.ends > in_hours(6)


@pytest.mark.parametrize("over", ["past", "switched off"])
def test_a_lease_that_is_over_is_not_brought_back(over: str, ask: Ask, schedule: Schedule) -> None:
    if over == "past":
        schedule.put(in_hours(-1))
    else:
        schedule.put(in_hours(1), State="DISABLED")
    before = schedule.get()
    assert_problem(extended(ask, 8), 409, "lease_over")
    assert schedule.get() == before
    found = told(ask)
    assert found is not None
    assert found["seconds_left"] == 0


@pytest.mark.parametrize("changes", [{"LEASE_SCHEDULE": ""}, {"LEASE_EXTEND_HOURS": "0"}])
def test_where_nothing_is_extended_the_route_says_so_and_asks_nobody(
    changes: dict[str, str], ask: Ask, schedule: Schedule, environment: pytest.MonkeyPatch
) -> None:
    before = schedule.get()
    for name, value in changes.items():
        environment.setenv(name, value)
    assert_problem(extended(ask, 8), 404, "no_lease")
    assert schedule.get() == before
    found = told(ask)
    assert found is None or found["extend_hours"] is None


def test_a_schedule_that_somebody_deleted_is_no_lease(ask: Ask, schedule: Schedule, cloud: Server) -> None:
    schedule.client.delete_schedule(Name=NAME)
    assert told(ask) is None
    assert_problem(extended(ask, 8), 404, "no_lease")


@pytest.mark.parametrize("missing", [SEE, MOVE, PASS], ids=lambda one: str(one["Action"]))
def test_without_a_grant_nothing_is_extended_and_the_model_is_described_all_the_same(
    missing: dict[str, Any], ask: Ask, schedule: Schedule, cloud: Server, environment: pytest.MonkeyPatch
) -> None:
    act_as(cloud, environment, *(one for one in (SEE, MOVE, PASS) if one is not missing))
    before = schedule.get()
    found = extended(ask, 8)
    assert_problem(found, 503, "lease_unavailable")
    assert found.headers["Retry-After"] == "5"
    assert schedule.get() == before
    given = told(ask)
    assert given is not None
    assert given["ends"] == ("2026-11-24T20:00:00Z" if missing is SEE else shown(schedule.ends))


@pytest.mark.parametrize(
    "reply",
    [
        failure(500, "InternalServerException"),
        failure(429, "ThrottlingException"),
        Reply(body=b"<html>"),
        Reply(body=b"[]"),
        Reply(body=b'{"ScheduleExpression": "rate(1 hour)", "State": "ENABLED"}'),
        Reply(body=b'{"ScheduleExpression": "at(2026-13-32T00:00:00)", "State": "ENABLED"}'),
        Reply(reset=True),
    ],
)
def test_a_scheduler_that_fails_is_named_in_the_log_and_the_deployed_end_is_told(
    reply: Reply, ask: Ask, runtime: Runtime, capfd: pytest.CaptureFixture[str]
) -> None:
    runtime.model = lambda received: reply
    assert_problem(extended(ask, 8), 503, "lease_unavailable")
    capfd.readouterr()
    given = told(ask)
    assert given is not None
    assert given["ends"] == "2026-11-24T20:00:00Z"
    line = json.loads(capfd.readouterr().out)
    assert (line["status"], line["code"], line["degraded"]) == (200, "", "lease_unavailable")
    assert line["cause"]


def test_where_no_scheduler_answers_the_deployed_end_is_told(ask: Ask, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL_SCHEDULER", f"http://127.0.0.1:{free_port()}")
    given = told(ask)
    assert given is not None
    assert given["ends"] == "2026-11-24T20:00:00Z"
    assert_problem(extended(ask, 8), 503, "lease_unavailable")
