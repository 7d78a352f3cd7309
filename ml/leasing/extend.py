"""Extend a stage's lease, or give a deleted endpoint the next number."""

import datetime as dt

from ml import project
from ml.leasing import schedule
from ml.leasing.entry import (
    TIME_FORMAT,
    EndpointLease,
    as_context,
    deployed_endpoint,
    endpoint_exists,
    now,
    number_of,
    read_lease,
)
from ml.leasing.status import status

MAX_HOURS = 168


def extend(stage: str, hours: int) -> str:
    """Set the end of the lease to `hours` from now, in cdk.context.json and in AWS; return a sentence about it.

    A deleted endpoint gets the next number, and `cdk deploy` creates it. The number is counted from the deployed
    endpoint, because another machine may have deployed it after this cdk.context.json was written. With `hours` 0,
    the stage has no lease, and an endpoint that exists does not change.
    """
    previous, name = read_lease(stage), deployed_endpoint(stage)
    known = previous.number if previous else 1
    number = known if name is None else number_of(stage, name, known)
    lease = EndpointLease(now() + dt.timedelta(hours=hours), number)
    deleted = name is not None and not endpoint_exists(name)
    if not hours and not deleted:
        if number != known:
            project.write(f"lease:{stage}", as_context(lease))
        return (
            f"Stage {stage} has no lease (lease_hours is 0): its endpoint runs until it is deleted. Nothing was "
            f"extended. To give it a lease, set lease_hours to 1 to {MAX_HOURS} and extend again."
        )
    deploy = f"Run `cdk deploy --all -c stage={stage}`"
    end = f"{lease.ends:{TIME_FORMAT}} UTC"
    if deleted:
        lease = EndpointLease(lease.ends, number + 1)
        new = f"{lease.endpoint(stage)}" + (f", whose lease ends at {end}" if hours else "")
        sentence = f"Endpoint {name} no longer exists. {deploy} to create {new}."
    elif name is None:
        sentence = f"The lease of stage {stage} ends at {end}. {deploy}."
    elif schedule.read(stage) is None:
        sentence = (
            f"Endpoint {name} has no lease yet. {deploy} with lease_hours above 0; the endpoint will then be deleted "
            f"at {end}."
        )
    else:
        schedule.move(stage, lease.ends)
        sentence = f"Endpoint {name} will be deleted at {end}."
    project.write(f"lease:{stage}", as_context(lease))
    return sentence


def renew(stage: str, hours: int) -> str | None:
    """Extend a lease that is missing or over, and return what `extend` returns; None if the lease still runs."""
    previous = read_lease(stage)
    if previous is not None and previous.ends > now():
        return None
    return extend(stage, hours)


def renew_for_deployment(stage: str) -> str | None:
    """Renew the lease that `cdk deploy` needs and return a sentence about it; None if the stage has no lease."""
    settings = project.settings(stage)
    if not settings.get("lease_hours") or settings.get("hosting") == "function":
        return None
    return renew(stage, int(settings["lease_hours"])) or status(stage)
