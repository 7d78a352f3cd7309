"""The state of a stage's lease in one sentence, from cdk.context.json and from the schedule in AWS."""

import datetime as dt

from ml.leasing import schedule
from ml.leasing.entry import TIME_FORMAT, EndpointLease, deployed_endpoint, endpoint_exists, missing, now, read_lease


def status(stage: str) -> str:
    """Return one sentence about the stage's lease."""
    recorded, name = read_lease(stage), deployed_endpoint(stage)
    if name is not None and not endpoint_exists(name) and (recorded is None or recorded.endpoint(stage) == name):
        return missing(stage, name)
    if recorded is None:
        return f"Stage {stage} has no lease; `python -m ml.lease extend --stage {stage}` creates one."
    lease = scheduled_lease(stage, recorded) or recorded
    remaining = lease.ends - now()
    if remaining <= dt.timedelta(0):
        return (
            f"The lease of stage {stage} ended at {lease.ends:{TIME_FORMAT}} UTC; "
            f"`python -m ml.lease extend --stage {stage}` renews it."
        )
    state = "exists" if endpoint_exists(lease.endpoint(stage)) else "not deployed"
    minutes = int(remaining.total_seconds() // 60)
    difference = f" cdk.context.json has {recorded.ends:{TIME_FORMAT}}." if lease != recorded else ""
    return (
        f"Endpoint {lease.endpoint(stage)} ({state}) will be deleted at {lease.ends:{TIME_FORMAT}} UTC, "
        f"in {minutes // 60} h {minutes % 60} min.{difference}"
    )


def scheduled_lease(stage: str, recorded: EndpointLease) -> EndpointLease | None:
    """Return the lease that the schedule in AWS has; None if the endpoint has no enabled schedule.

    It differs from the recorded lease if another machine has extended it.
    """
    current = schedule.read(stage)
    if current is None or not current.enabled or current.endpoint != recorded.endpoint(stage):
        return None
    return EndpointLease(current.ends, recorded.number)
