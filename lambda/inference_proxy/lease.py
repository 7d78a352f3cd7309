"""When the endpoint deletes itself, as its schedule says it now, and how a caller puts that off."""

from __future__ import annotations

import datetime as dt
import functools
import time
from typing import Final

from inference_proxy.deadline import Deadline
from inference_proxy.events import Request
from inference_proxy.problems import ProblemError
from inference_proxy.request_log import RequestLog
from inference_proxy.scheduler import Schedule, Scheduler
from inference_proxy.settings import Lease, Settings
from inference_proxy.uploads import json_body

KEPT_SECONDS: Final = 30
_NO_LEASE: Final = (
    "Received hours for a lease that this API does not extend: its endpoint has none, or extending by the API is off; "
    "ask whoever runs it."
)


def current(settings: Settings, deadline: Deadline, log: RequestLog) -> dict[str, object] | None:
    """The lease for GET /model; None where the endpoint does not delete itself.

    Where the schedule cannot be asked, the end is the one that was deployed, and the log names the problem.
    """
    if settings.lease is None:
        return None
    kept = _kept(settings)
    if time.monotonic() >= kept.until:
        kept.refresh(deadline)
    if kept.problem is not None:
        log.note(degraded=kept.problem.code, cause=kept.problem.cause)
        return _answer(settings.lease, settings.lease.ends, enabled=True)
    if kept.found is None:
        return None
    return _answer(settings.lease, kept.found.ends, enabled=kept.found.enabled)


def extend(request: Request, settings: Settings, deadline: Deadline, log: RequestLog) -> dict[str, object]:
    """Let the endpoint live at least the hours in the body from now; never less than it would have.

    Raises ProblemError: 400 invalid_json, 404 no_lease, 409 lease_over, 422 invalid_hours, 503 lease_unavailable.
    """
    lease = settings.lease
    if lease is None or not lease.extend_hours:
        raise ProblemError("no_lease", _NO_LEASE)
    hours = _hours(request, lease.extend_hours)
    log.note(lease_hours=hours)
    kept = _kept(settings)
    kept.refresh(deadline)
    if kept.problem is not None:
        raise kept.problem
    if kept.found is None:
        raise ProblemError("no_lease", _NO_LEASE)
    if not kept.found.enabled or kept.found.ends <= _now():
        raise ProblemError(
            "lease_over",
            "Received hours for a lease that is over: its endpoint is deleted, and whoever runs this API brings it "
            "back with `python -m ml.lease extend` and `cdk deploy --all`.",
        )
    ends = max(kept.found.ends, _now() + dt.timedelta(hours=hours))
    if ends > kept.found.ends:
        kept.move(ends, deadline)
    return {**_answer(lease, ends, enabled=True), "request_id": request.id}


class _Kept:
    """What the schedule said, for a while: a page that asks GET /model often does not ask the scheduler as often."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.scheduler = Scheduler(settings.scheduler_url, name, settings.region)
        self.found: Schedule | None = None
        self.problem: ProblemError | None = None
        self.until = 0.0

    def refresh(self, deadline: Deadline) -> None:
        try:
            self.found, self.problem = self.scheduler.get(deadline), None
        except ProblemError as problem:
            self.found, self.problem = None, problem
        self.until = time.monotonic() + KEPT_SECONDS

    def move(self, ends: dt.datetime, deadline: Deadline) -> None:
        # Whether a call that failed has moved it all the same, only the schedule knows.
        until, self.until = self.until, 0.0
        if self.found is not None:
            self.scheduler.move(self.found, ends, deadline)
            self.found, self.until = self.found._replace(ends=ends), until


@functools.cache
def _kept(settings: Settings) -> _Kept:
    return _Kept(settings, settings.lease.schedule if settings.lease else "")


def forget() -> None:
    """Ask the schedule again at the next request."""
    _kept.cache_clear()


def _hours(request: Request, most: int) -> int:
    asked = json_body(request)
    hours = asked.get("hours")
    if set(asked) != {"hours"} or not isinstance(hours, int) or isinstance(hours, bool) or not 1 <= hours <= most:
        raise ProblemError(
            "invalid_hours",
            'Received JSON that names no hours which may be had; send {"hours": N} as application/json, '
            f"with N a whole number from 1 to {most}.",
        )
    return hours


def _answer(lease: Lease, ends: dt.datetime, *, enabled: bool) -> dict[str, object]:
    left = int((ends - _now()).total_seconds()) if enabled else 0
    return {"ends": _shown(ends), "seconds_left": max(0, left), "extend_hours": lease.extend_hours or None}


def _shown(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _now() -> dt.datetime:
    """The time, UTC, in whole seconds, as schedules have it."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)
