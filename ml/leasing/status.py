"""The lease of a stage in one sentence, from cdk.context.json and from the schedule in AWS."""

import datetime as dt

from ml.leasing import schedule
from ml.leasing.entry import FORM, Lease, deployed_endpoint, endpoint_lives, missing, now, read


def status(stage: str) -> str:
    """Return one sentence on the stage's lease."""
    written, name = read(stage), deployed_endpoint(stage)
    if name is not None and not endpoint_lives(name) and (written is None or written.endpoint(stage) == name):
        return missing(stage, name)
    if written is None:
        return f"Stage {stage} has no lease; `python -m ml.lease extend --stage {stage}` writes one."
    lease = deployed(stage, written) or written
    left = lease.ends - now()
    if left <= dt.timedelta(0):
        return f"The lease of stage {stage} ended at {lease.ends:{FORM}} UTC; `python -m ml.lease extend` renews it."
    state = "in place" if endpoint_lives(lease.endpoint(stage)) else "not deployed"
    minutes = int(left.total_seconds() // 60)
    differs = f" cdk.context.json says {written.ends:{FORM}}." if lease != written else ""
    return (
        f"Endpoint {lease.endpoint(stage)} ({state}) deletes itself at {lease.ends:{FORM}} UTC, "
        f"in {minutes // 60} h {minutes % 60} min.{differs}"
    )


def deployed(stage: str, written: Lease) -> Lease | None:
    """Return the lease as its schedule in AWS has it now; None where none is deployed for this endpoint.

    It differs from the one in context where the API, or another machine, has extended it.
    """
    found = schedule.read(stage)
    if found is None or not found.enabled or found.endpoint != written.endpoint(stage):
        return None
    return Lease(found.ends, written.number)
