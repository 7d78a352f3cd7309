"""`python -m ml.lease`: when the endpoint deletes itself, and how to put that off or bring it forward."""

import argparse
import datetime as dt
import re
import sys
from dataclasses import dataclass
from typing import Any

import botocore.exceptions

from ml import aws, plan, project, schedule
from ml.errors import UserError, guarded

FORM = "%Y-%m-%dT%H:%M:%S"
MOST_HOURS = 168
EXAMPLES = """examples:
  python -m ml.lease status
  python -m ml.lease extend --hours 4
  python -m ml.lease end --yes
"""


@dataclass(frozen=True)
class Lease:
    """When the endpoint deletes itself (UTC), and its number within the stage, which is part of its name."""

    ends: dt.datetime
    number: int

    def endpoint(self, stage: str) -> str:
        """Return the endpoint's name; infra names it by the same rule."""
        return f"pneumonia-{stage}" + (f"-{self.number}" if self.number > 1 else "")


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = parse(argv)
    return guarded(lambda: run(options))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line; wrong usage ends with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.lease",
        description="Show, extend or end the lease of a stage's endpoint, which deletes itself when its lease ends.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=["status", "extend", "end"])
    parser.add_argument("--stage", help="deployment stage (default: the one in cdk.json)")
    parser.add_argument("--hours", type=int, help="from now, for extend (default: lease_hours in cdk.json)")
    parser.add_argument("--yes", action="store_true", help="end without asking")
    options = parser.parse_args(argv)
    if options.hours is not None and not 1 <= options.hours <= MOST_HOURS:
        parser.error(f"--hours {options.hours} is not allowed; give 1 to {MOST_HOURS}.")
    return options


def run(options: argparse.Namespace) -> None:
    """Do what was asked."""
    stage = project.stage(options.stage)
    if options.action == "status":
        print(status(stage))
    elif options.action == "extend":
        print(extend(stage, options.hours or project.settings(stage).get("lease_hours", 0)))
    else:
        end(stage, options.yes)


def read(stage: str) -> Lease | None:
    """Return the lease in context; None when there is none.

    Raises:
        UserError: what is there is no lease.
    """
    entry = project.read_context().get(f"lease:{stage}")
    if entry is None:
        return None
    try:
        return Lease(dt.datetime.strptime(entry["ends"], FORM).replace(tzinfo=dt.UTC), int(entry["number"]))
    except (TypeError, KeyError, ValueError) as error:
        raise UserError(f"lease:{stage} in cdk.context.json is {entry!r}; delete it and run extend again.") from error


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


def missing(stage: str, endpoint: str) -> str:
    """Return that a deployed endpoint is gone, and how to bring it back."""
    return (
        f"Endpoint {endpoint} was deployed and no longer exists. Run `python -m ml.lease extend --stage {stage}`, then "
        f"`cdk deploy --all -c stage={stage}`."
    )


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
            project.write(f"lease:{stage}", entry(lease))
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
    project.write(f"lease:{stage}", entry(lease))
    return told


def renew(stage: str, hours: int) -> str | None:
    """Extend a lease that is missing or over; return what `extend` says, None when nothing was to do."""
    old = read(stage)
    if old is not None and old.ends > now():
        return None
    return extend(stage, hours)


def end(stage: str, sure: bool) -> None:
    """Delete the endpoint now.

    Raises:
        UserError: there is none, or nobody said yes.
    """
    name = deployed_endpoint(stage)
    if name is None or not endpoint_lives(name):
        raise UserError(f"Stage {stage} has no endpoint; there is nothing to end.")
    if not sure:
        plan.confirm(f"Delete endpoint {name} now? The API answers 502 until it is deployed again. [y/N] ", "deleted")
    aws.client("sagemaker").delete_endpoint(EndpointName=name)
    if schedule.read(stage) is not None:
        schedule.switch_off(stage)
    old = read(stage)
    project.write(f"lease:{stage}", entry(Lease(now(), old.number if old else 1)))
    print(
        f"Endpoint {name} is being deleted. `python -m ml.lease extend --stage {stage}` and `cdk deploy` bring it back."
    )


def deployed_endpoint(stage: str) -> str | None:
    """Return the name of the endpoint that the stack made last; None where it is not deployed."""
    try:
        return aws.stack_outputs(stage, "Endpoint").get("EndpointName")
    except UserError:
        return None


def number_of(stage: str, endpoint: str, default: int) -> int:
    """Return the number in an endpoint's name (see `Lease.endpoint`); `default` where it is named otherwise."""
    match = re.fullmatch(rf"pneumonia-{stage}(?:-(\d+))?", endpoint)
    return int(match[1] or 1) if match else default


def endpoint_lives(name: str) -> bool:
    """Return whether SageMaker has an endpoint of this name that is not on its way out."""
    try:
        found = aws.client("sagemaker").describe_endpoint(EndpointName=name)
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "ValidationException":
            return False
        raise
    return bool(found["EndpointStatus"] != "Deleting")


def entry(lease: Lease) -> dict[str, Any]:
    """Return what cdk.context.json holds of a lease."""
    return {"ends": f"{lease.ends:{FORM}}", "number": lease.number}


def now() -> dt.datetime:
    """Return the time, UTC, in whole seconds."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


if __name__ == "__main__":
    sys.exit(main())
