"""The schedule in AWS that ends a stage's lease, where it is deployed."""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from ml.aws import clients
from ml.errors import UserError

AT = "at(%Y-%m-%dT%H:%M:%S)"
KEPT = ("Name", "GroupName", "Description", "FlexibleTimeWindow", "ScheduleExpression", "ScheduleExpressionTimezone",
        "State", "Target")  # fmt: skip
"""What an update repeats, for it sets to their defaults what it leaves out."""


@dataclass(frozen=True)
class Schedule:
    """When which endpoint is deleted (UTC), unless the schedule is switched off."""

    ends: dt.datetime
    endpoint: str
    enabled: bool


def read(stage: str) -> Schedule | None:
    """Return the stage's schedule as it is now; None where none is deployed."""
    found = describe(stage)
    if found is None:
        return None
    ends = dt.datetime.strptime(found["ScheduleExpression"], AT).replace(tzinfo=dt.UTC)
    return Schedule(ends, json.loads(found["Target"]["Input"])["EndpointName"], found["State"] == "ENABLED")


def move(stage: str, ends: dt.datetime) -> None:
    """Give the schedule another time.

    Raises:
        UserError: the endpoint is deployed without a lease.
    """
    update(stage, {"ScheduleExpression": f"{ends:{AT}}"})


def switch_off(stage: str) -> None:
    """Let the schedule do nothing, because its endpoint is gone; whoever asks for the lease learns that it is over.

    Its time stays as it is: AWS accepts a time that has passed, and calls the target at once.

    Raises:
        UserError: the endpoint is deployed without a lease.
    """
    update(stage, {"State": "DISABLED"})


def describe(stage: str) -> dict[str, Any] | None:
    """Return what EventBridge Scheduler says of the schedule; None where there is none."""
    scheduler = clients.client("scheduler")
    try:
        found: dict[str, Any] = scheduler.get_schedule(Name=f"pneumonia-{stage}-lease")
    except scheduler.exceptions.ResourceNotFoundException:
        return None
    return found


def update(stage: str, change: dict[str, Any]) -> None:
    """Change some of the schedule and keep the rest.

    Raises:
        UserError: the endpoint is deployed without a lease.
    """
    found = describe(stage)
    if found is None:
        raise UserError(f"Stage {stage} is deployed without a lease; deploy it with lease_hours above 0 first.")
    clients.client("scheduler").update_schedule(**{key: found[key] for key in KEPT if found.get(key)} | change)
