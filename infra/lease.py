"""The lease: an endpoint that deletes itself unless somebody extends it, so that a forgotten one stops costing.

`python -m ml.lease` writes when it ends, and which endpoint of the stage it is for, into cdk.context.json. A one-time
schedule of EventBridge Scheduler calls SageMaker's DeleteEndpoint by itself. CloudFormation does not learn of that;
the next lease therefore has the next number, which is part of the endpoint's name, and a plain `cdk deploy` makes the
endpoint anew under that name.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from infra.errors import SettingsError
from infra.settings import Settings

SCHEDULER = "scheduler.amazonaws.com"


@dataclass(frozen=True)
class Lease:
    """When it ends, as 2026-11-24T18:00:00 in UTC ("" for never), and the endpoint's number within its stage."""

    ends: str
    number: int

    def endpoint_name(self, stage: str) -> str:
        """Return the endpoint's name: the stage's, with the number from the second lease on."""
        return f"pneumonia-{stage}" + (f"-{self.number}" if self.number > 1 else "")


def read(context: Mapping[str, Any], settings: Settings) -> Lease:
    """Return the stage's lease; one that never ends where the stage does not lease.

    Raises:
        SettingsError: the stage leases and there is none in context, or what is there is none.
    """
    entry = context.get(f"lease:{settings.stage}")
    remedy = f"Run `python -m ml.lease extend --stage {settings.stage}` to write one"
    if entry is None:
        if settings.lease_hours:
            raise SettingsError(
                f"Stage {settings.stage} leases its endpoint (lease_hours is {settings.lease_hours}) and "
                f"cdk.context.json holds no lease. {remedy}, or set lease_hours to 0."
            )
        return Lease("", 1)
    ends, number = (entry.get("ends"), entry.get("number")) if isinstance(entry, dict) else (None, None)
    sound = isinstance(ends, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", ends)
    if not sound or not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= 9999:
        raise SettingsError(
            f"lease:{settings.stage} in cdk.context.json is {entry!r}; it must have ends, as 2026-11-24T18:00:00, and "
            f"number, from 1 to 9999. {remedy}."
        )
    return Lease(str(ends) if settings.lease_hours else "", number)


def schedule_name(stage: str) -> str:
    """Return the name of the schedule that ends the stage's lease."""
    return f"pneumonia-{stage}-lease"


def role_name(stage: str, region: str) -> str:
    """Return the name of the role that the schedule acts as.

    It is fixed, so that the proxy's right to pass it needs no output of another stack. Roles are the account's and not
    the region's, so the region is part of it.
    """
    return f"pneumonia-{stage}-lease-{region}"


def add_schedule(scope: Construct, lease: Lease, stage: str, endpoint_arn: str) -> scheduler.CfnSchedule:
    """Let EventBridge Scheduler delete the endpoint at the lease's end, with a role that can do nothing else."""
    role = iam.Role(
        scope,
        "LeaseRole",
        role_name=role_name(stage, cdk.Stack.of(scope).region),
        assumed_by=iam.ServicePrincipal(SCHEDULER),
    )
    role.add_to_policy(
        iam.PolicyStatement(sid="DeleteTheEndpoint", actions=["sagemaker:DeleteEndpoint"], resources=[endpoint_arn])
    )
    return scheduler.CfnSchedule(
        scope,
        "Lease",
        name=schedule_name(stage),
        description=f"Deletes the endpoint of stage {stage} when its lease ends; extend it with python -m ml.lease.",
        schedule_expression=f"at({lease.ends})",
        schedule_expression_timezone="UTC",
        # Said, because an update leaves out what the template does not say: a lease ended by hand is off.
        state="ENABLED",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=f"arn:{cdk.Aws.PARTITION}:scheduler:::aws-sdk:sagemaker:deleteEndpoint",
            role_arn=role.role_arn,
            input=json.dumps({"EndpointName": lease.endpoint_name(stage)}),
        ),
    )
