"""Extend a stage's lease, or bring a deleted endpoint back with the next number."""

import datetime as dt

from ml import project
from ml.leasing import schedule
from ml.leasing.entry import FORM, Lease, as_context, deployed_endpoint, endpoint_lives, now, number_of, read

MOST_HOURS = 168


def extend(stage: str, hours: int) -> str:
    """Let the lease end `hours` from now, in context and, where the endpoint lives, in AWS at once; say so.

    An endpoint that has been deleted gets the next number, and `cdk deploy` then makes it anew. The number is counted
    from the deployed endpoint: cdk.context.json may be older, where another machine brought the endpoint back, and a
    deployment would then replace it. `hours` is 0 where the stage has no lease: an endpoint that exists is left alone.
    """
    old, name = read(stage), deployed_endpoint(stage)
    known = old.number if old else 1
    number = known if name is None else number_of(stage, name, known)
    lease = Lease(now() + dt.timedelta(hours=hours), number)
    gone = name is not None and not endpoint_lives(name)
    if not hours and not gone:
        if number != known:
            project.write(f"lease:{stage}", as_context(lease))
        return (
            f"Stage {stage} has no lease (lease_hours is 0): its endpoint runs until it is deleted, so nothing was "
            f"extended. To give it a lease, set lease_hours to 1 to {MOST_HOURS} and extend again."
        )
    if gone:
        lease = Lease(lease.ends, number + 1)
        ends = f", which ends at {lease.ends:{FORM}} UTC" if hours else ""
        told = (
            f"Endpoint {name} no longer exists. Run `cdk deploy --all -c stage={stage}`: it makes "
            f"{lease.endpoint(stage)}{ends}."
        )
    elif name is not None and schedule.read(stage) is None:
        told = (
            f"Endpoint {name} has no lease yet. Run `cdk deploy --all -c stage={stage}` with lease_hours above 0: the "
            f"endpoint then deletes itself at {lease.ends:{FORM}} UTC."
        )
    elif name is not None:
        schedule.move(stage, lease.ends)
        told = f"Endpoint {name} deletes itself at {lease.ends:{FORM}} UTC."
    else:
        told = f"The lease of stage {stage} ends at {lease.ends:{FORM}} UTC. Run `cdk deploy --all -c stage={stage}`."
    project.write(f"lease:{stage}", as_context(lease))
    return told


def renew(stage: str, hours: int) -> str | None:
    """Extend a lease that is missing or over; return what `extend` says, None when nothing was to do."""
    old = read(stage)
    if old is not None and old.ends > now():
        return None
    return extend(stage, hours)
