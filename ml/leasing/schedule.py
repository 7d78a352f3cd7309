"""The schedule in AWS that deletes a stage's endpoint at the end of its lease."""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from ml.aws import clients
from ml.errors import UserError

EXPRESSION = "at(%Y-%m-%dT%H:%M:%S)"
UPDATE_FIELDS = ("Name", "GroupName", "Description", "FlexibleTimeWindow", "ScheduleExpression",
                 "ScheduleExpressionTimezone", "State", "Target")  # fmt: skip
"""Fields that an update must repeat: UpdateSchedule resets missing fields to their defaults."""


@dataclass(frozen=True)
class Schedule:
    """When (UTC) the schedule deletes which endpoint, if it is enabled."""

    ends: dt.datetime
    endpoint: str
    enabled: bool


def read(stage: str) -> Schedule | None:
    """Return the stage's schedule in AWS; None if it is not deployed."""
    description = describe(stage)
    if description is None:
        return None
    ends = dt.datetime.strptime(description["ScheduleExpression"], EXPRESSION).replace(tzinfo=dt.UTC)
    return Schedule(ends, json.loads(description["Target"]["Input"])["EndpointName"], description["State"] == "ENABLED")


def move(stage: str, ends: dt.datetime) -> None:
    """Change the time of the schedule.

    Raises:
        UserError: the stage has no schedule.
    """
    update(stage, {"ScheduleExpression": f"{ends:{EXPRESSION}}"})


def disable(stage: str) -> None:
    """Disable the schedule, because its endpoint is deleted.

    The time stays unchanged: if AWS gets a time in the past, it calls the target at once.

    Raises:
        UserError: the stage has no schedule.
    """
    update(stage, {"State": "DISABLED"})


def describe(stage: str) -> dict[str, Any] | None:
    """Return EventBridge Scheduler's description of the schedule; None if it does not exist."""
    scheduler = clients.client("scheduler")
    try:
        description: dict[str, Any] = scheduler.get_schedule(Name=f"pneumonia-{stage}-lease")
    except scheduler.exceptions.ResourceNotFoundException:
        return None
    return description


def update(stage: str, change: dict[str, Any]) -> None:
    """Change some fields of the schedule.

    Raises:
        UserError: the stage has no schedule.
    """
    description = describe(stage)
    if description is None:
        raise UserError(f"Stage {stage} is deployed without a lease; deploy it with lease_hours above 0 first.")
    unchanged = {name: description[name] for name in UPDATE_FIELDS if description.get(name)}
    clients.client("scheduler").update_schedule(**unchanged | change)
