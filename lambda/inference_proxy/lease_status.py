"""When the lease ends: the time at which a schedule of EventBridge Scheduler deletes the endpoint."""

from __future__ import annotations

import datetime as dt
import functools
import json
import time
from typing import TYPE_CHECKING, Final

from urllib3.exceptions import HTTPError

from inference_proxy.deadline import Deadline
from inference_proxy.request_log import RequestLog
from inference_proxy.settings import LeaseSchedule, ProxySettings
from inference_proxy.signed_http import SignedHttp

if TYPE_CHECKING:
    from api_types import LeaseStatus

CACHE_SECONDS: Final = 30
# GET /model waits for the scheduler, but can do without it.
_READ_SECONDS: Final = 3.0
_EXPRESSION: Final = "at(%Y-%m-%dT%H:%M:%S)"


def lease_status(settings: ProxySettings, deadline: Deadline, log: RequestLog) -> LeaseStatus | None:
    """Return the lease for GET /model, or None if the endpoint has no lease or its schedule was deleted.

    If the scheduler fails, return the end that was deployed and log the cause.
    """
    if settings.lease is None:
        return None
    schedule = _schedule_of(settings, settings.lease)
    schedule.refresh(deadline)
    if schedule.failure:
        log.note(degraded="lease_unavailable", cause=schedule.failure)
    if schedule.ends is None:
        return None
    seconds = (schedule.ends - dt.datetime.now(dt.UTC)).total_seconds() if schedule.enabled else 0.0
    return {"ends": f"{schedule.ends:%Y-%m-%dT%H:%M:%SZ}", "seconds_left": max(0, int(seconds))}


class _Schedule:
    """The schedule, read again after CACHE_SECONDS: pages request GET /model more often than a lease changes."""

    def __init__(self, settings: ProxySettings, lease: LeaseSchedule) -> None:
        self._deployed_end = lease.ends
        self._url = f"{settings.scheduler_url}/schedules/{lease.schedule}"
        self._http = SignedHttp("scheduler", settings.region, replace_closed=True)
        self._expires = 0.0
        self.ends: dt.datetime | None = None
        self.enabled = True
        self.failure: dict[str, str | int] = {}

    def refresh(self, deadline: Deadline) -> None:
        """Read the schedule unless it was read less than CACHE_SECONDS ago."""
        if time.monotonic() < self._expires:
            return
        self.ends, self.enabled, self.failure = self._deployed_end, True, {}
        try:
            response = self._http.request("GET", self._url, seconds=min(deadline.remaining(), _READ_SECONDS))
            if response.status == 404:
                self.ends = None
            else:
                self._read(response.status, response.data)
        except HTTPError as error:
            self.failure = {"reason": type(error).__name__}
        self._expires = time.monotonic() + CACHE_SECONDS

    def _read(self, status: int, body: bytes) -> None:
        try:
            document = json.loads(body)
            ends = dt.datetime.strptime(document["ScheduleExpression"], _EXPRESSION).replace(tzinfo=dt.UTC)
            self.ends, self.enabled = ends, document["State"] == "ENABLED"
        except (ValueError, KeyError, TypeError, RecursionError):
            self.failure = {"aws_status": status}


@functools.cache
def _schedule_of(settings: ProxySettings, lease: LeaseSchedule) -> _Schedule:
    return _Schedule(settings, lease)


def clear_cache() -> None:
    """Read the schedule again at the next request."""
    _schedule_of.cache_clear()
