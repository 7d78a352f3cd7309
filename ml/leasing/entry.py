"""The lease of a stage's endpoint as cdk.context.json holds it, and the endpoint that it is for."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

import botocore.exceptions

from ml import project
from ml.aws import clients, stacks
from ml.errors import UserError

FORM = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True)
class Lease:
    """When the endpoint deletes itself (UTC), and its number within the stage, which is part of its name."""

    ends: dt.datetime
    number: int

    def endpoint(self, stage: str) -> str:
        """Return the endpoint's name; infra names it by the same rule."""
        return f"pneumonia-{stage}" + (f"-{self.number}" if self.number > 1 else "")


def read(stage: str) -> Lease | None:
    """Return the lease in context; None when there is none.

    Raises:
        UserError: what is there is no lease.
    """
    written = project.read_context().get(f"lease:{stage}")
    if written is None:
        return None
    try:
        return Lease(dt.datetime.strptime(written["ends"], FORM).replace(tzinfo=dt.UTC), int(written["number"]))
    except (TypeError, KeyError, ValueError) as error:
        raise UserError(f"lease:{stage} in cdk.context.json is {written!r}; delete it and run extend again.") from error


def as_context(lease: Lease) -> dict[str, Any]:
    """Return what cdk.context.json holds of a lease."""
    return {"ends": f"{lease.ends:{FORM}}", "number": lease.number}


def number_of(stage: str, endpoint: str, default: int) -> int:
    """Return the number in an endpoint's name (see `Lease.endpoint`); `default` where it is named otherwise."""
    match = re.fullmatch(rf"pneumonia-{stage}(?:-(\d+))?", endpoint)
    return int(match[1] or 1) if match else default


def deployed_endpoint(stage: str) -> str | None:
    """Return the name of the endpoint that the stack made last; None where it is not deployed."""
    try:
        return stacks.outputs(stage, "Endpoint").get("EndpointName")
    except UserError:
        return None


def endpoint_lives(name: str) -> bool:
    """Return whether SageMaker has an endpoint of this name that is not on its way out."""
    try:
        found = clients.client("sagemaker").describe_endpoint(EndpointName=name)
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "ValidationException":
            return False
        raise
    return bool(found["EndpointStatus"] != "Deleting")


def missing(stage: str, endpoint: str) -> str:
    """Return that a deployed endpoint is gone, and how to bring it back."""
    return (
        f"Endpoint {endpoint} was deployed and no longer exists. Run `python -m ml.lease extend --stage {stage}`, then "
        f"`cdk deploy --all -c stage={stage}`."
    )


def now() -> dt.datetime:
    """Return the time, UTC, in whole seconds."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)
