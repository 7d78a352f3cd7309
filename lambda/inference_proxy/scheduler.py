"""The schedule that ends the lease: EventBridge Scheduler, asked with botocore's signer over urllib3."""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from urllib3.exceptions import HTTPError

from inference_proxy.aws import credentials
from inference_proxy.deadline import Deadline
from inference_proxy.problems import ProblemError

_CONNECT_SECONDS: Final = 2.0
# GET /model waits for this answer and can do without it.
_READ_SECONDS: Final = 3.0
_AT: Final = "at(%Y-%m-%dT%H:%M:%S)"
# UpdateSchedule sets what a request leaves out to its default; these are kept as they were found.
_KEPT: Final = (
    "ActionAfterCompletion", "Description", "FlexibleTimeWindow", "GroupName", "KmsKeyArn",
    "ScheduleExpressionTimezone", "State", "Target",
)  # fmt: skip


class Schedule(NamedTuple):
    """A one-time schedule: when it acts (UTC), whether it is enabled, and what an update has to repeat."""

    ends: dt.datetime
    enabled: bool
    kept: Mapping[str, Any]


class Scheduler:
    """One schedule. The connection stays open between the invocations of an execution environment."""

    def __init__(self, url: str, name: str, region: str) -> None:
        self._url = f"{url}/schedules/{name}"
        self._region = region
        ca_bundle = os.environ.get("AWS_CA_BUNDLE") or None
        self._http = urllib3.PoolManager(num_pools=1, maxsize=1, ca_certs=ca_bundle)

    def get(self, deadline: Deadline) -> Schedule | None:
        """The schedule as it is now; None where there is none. Raises ProblemError lease_unavailable."""
        status, body = self._ask("GET", b"", deadline)
        if status == 404:
            return None
        found = _document(body) if status == 200 else {}
        try:
            ends = dt.datetime.strptime(str(found.get("ScheduleExpression")), _AT).replace(tzinfo=dt.UTC)
        except ValueError:
            raise _unavailable({"aws_status": status}) from None
        kept = {name: found[name] for name in _KEPT if found.get(name)}
        return Schedule(ends, found.get("State") == "ENABLED", kept)

    def move(self, schedule: Schedule, ends: dt.datetime, deadline: Deadline) -> None:
        """Let the schedule act at another time (UTC, whole seconds). Raises ProblemError lease_unavailable."""
        moved = {
            **schedule.kept,
            "ScheduleExpression": ends.strftime(_AT),
            "ClientToken": secrets.token_hex(16),
        }
        status, _ = self._ask("PUT", json.dumps(moved).encode(), deadline)
        if status != 200:
            raise _unavailable({"aws_status": status})

    def _ask(self, method: str, body: bytes, deadline: Deadline) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"} if body else {}
        request = AWSRequest(method=method, url=self._url, data=body, headers=headers)
        SigV4Auth(credentials(), "scheduler", self._region).add_auth(request)
        seconds = max(min(deadline.remaining(), _READ_SECONDS), 0.1)
        timeout = urllib3.Timeout(connect=min(_CONNECT_SECONDS, seconds), read=seconds)
        try:
            response = self._http.request(
                method, self._url, body=body or None, headers=dict(request.headers.items()), timeout=timeout,
                retries=1, redirect=False,
            )  # fmt: skip
        except HTTPError as error:
            raise _unavailable({"reason": type(error).__name__}) from error
        return response.status, response.data


def _document(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _unavailable(cause: dict[str, str | int]) -> ProblemError:
    return ProblemError(
        "lease_unavailable",
        "The schedule that ends the endpoint's lease did not answer as it should; try again in a few seconds.",
        headers={"Retry-After": "5"},
        cause=cause,
    )
