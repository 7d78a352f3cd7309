"""The lease of a stage in cdk.context.json, and the stage's endpoint."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

import botocore.exceptions

from ml import project
from ml.aws import clients, stacks
from ml.errors import UserError

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True)
class EndpointLease:
    """When the endpoint is deleted (UTC), and the number in its name."""

    ends: dt.datetime
    number: int

    def endpoint(self, stage: str) -> str:
        """Return the endpoint's name; `infra` uses the same rule."""
        return f"pneumonia-{stage}" + (f"-{self.number}" if self.number > 1 else "")


def read_lease(stage: str) -> EndpointLease | None:
    """Return the lease in cdk.context.json; None if there is no lease.

    Raises:
        UserError: the entry is not a lease.
    """
    value = project.read_context().get(f"lease:{stage}")
    if value is None:
        return None
    try:
        return EndpointLease(
            dt.datetime.strptime(value["ends"], TIME_FORMAT).replace(tzinfo=dt.UTC), int(value["number"])
        )
    except (TypeError, KeyError, ValueError) as error:
        raise UserError(
            f"lease:{stage} in cdk.context.json is {value!r}, which is not a lease; delete it, then run "
            f"`python -m ml.lease extend --stage {stage}`."
        ) from error


def as_context(lease: EndpointLease) -> dict[str, Any]:
    """Return the lease as an entry of cdk.context.json."""
    return {"ends": f"{lease.ends:{TIME_FORMAT}}", "number": lease.number}


def number_of(stage: str, endpoint: str, default: int) -> int:
    """Return the number in an endpoint's name (see `EndpointLease.endpoint`), or `default` for any other name."""
    match = re.fullmatch(rf"pneumonia-{stage}(?:-(\d+))?", endpoint)
    return int(match[1] or 1) if match else default


def deployed_endpoint(stage: str) -> str | None:
    """Return the name of the endpoint in the stack's outputs; None if the stack is not deployed."""
    try:
        return stacks.outputs(stage, "Endpoint").get("EndpointName")
    except UserError:
        return None


def endpoint_exists(name: str) -> bool:
    """Return whether SageMaker has an endpoint of this name that is not being deleted."""
    try:
        endpoint = clients.client("sagemaker").describe_endpoint(EndpointName=name)
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "ValidationException":
            return False
        raise
    return bool(endpoint["EndpointStatus"] != "Deleting")


def nothing_to_lease(stage: str) -> str:
    """Return why a stage has nothing to lease; "" if it has or will have an endpoint."""
    if project.settings(stage).get("hosting") != "function" or deployed_endpoint(stage) is not None:
        return ""
    return f"Stage {stage} has no endpoint, because hosting is function: there is nothing to lease."


def missing(stage: str, endpoint: str) -> str:
    """Return the error for a deployed endpoint that no longer exists."""
    return (
        f"Endpoint {endpoint} was deployed and no longer exists. Run `python -m ml.lease extend --stage {stage}`, then "
        f"`cdk deploy --all -c stage={stage}`."
    )


def now() -> dt.datetime:
    """Return the current time (UTC) in whole seconds."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)
