"""The lease: the endpoint is deleted at a set time unless the operator extends it.

`python -m ml.lease` writes the end and the number of the lease to cdk.context.json. A one-time schedule of EventBridge
Scheduler calls SageMaker's DeleteEndpoint. CloudFormation does not know about the deletion. The next lease therefore
has the next number, which is part of the endpoint's name: `cdk deploy` then creates an endpoint under a new name.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from pydantic import Field

from infra.errors import SettingsError
from infra.nag import acknowledge
from infra.setting_types import StrictModel
from infra.settings import Settings

FORM = "%Y-%m-%dT%H:%M:%S"
LONGEST_RETRY = cdk.Duration.hours(3)
"""SageMaker refuses to delete an endpoint during an update, which can take this long (infra/rollback.py)."""


class LeaseEntry(StrictModel):
    """The entry of cdk.context.json that `ml.lease` writes."""

    ends: str = Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$")
    number: int = Field(ge=1, le=9999)


@dataclass(frozen=True)
class Lease:
    """The lease of a stage.

    Attributes:
        ends: the time in UTC, such as 2026-11-24T18:00:00; "" for an endpoint without a lease.
        number: counts the endpoints of the stage, from 1.
        over: whether `ends` has passed.
    """

    ends: str
    number: int
    over: bool = False

    def endpoint_name(self, stage: str) -> str:
        """Return the endpoint's name, with the number from the second lease on."""
        return f"pneumonia-{stage}" + (f"-{self.number}" if self.number > 1 else "")


def read(context: Mapping[str, Any], settings: Settings, now: dt.datetime) -> Lease:
    """Return the stage's lease, without an end if lease_hours is 0 or the stage has no endpoint.

    Args:
        now: an aware time; it decides whether the lease is over.

    Raises:
        SettingsError: the stage needs a lease and the context has none, or the entry is not valid.
    """
    if settings.in_function:
        return Lease("", 1)
    entry = context.get(f"lease:{settings.stage}")
    remedy = f"Run `python -m ml.lease extend --stage {settings.stage}` to write one"
    if entry is None:
        if settings.lease_hours:
            raise SettingsError(
                f"lease_hours is {settings.lease_hours} and cdk.context.json has no lease:{settings.stage}. {remedy}, "
                "or set lease_hours to 0."
            )
        return Lease("", 1)
    try:
        valid = LeaseEntry.model_validate(entry)
        ends = dt.datetime.strptime(valid.ends, FORM).replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise SettingsError(
            f'lease:{settings.stage} in cdk.context.json is {entry!r}; it must have "ends", a UTC time such as '
            f'2026-11-24T18:00:00, and "number", a whole number from 1 to 9999. {remedy}.'
        ) from error
    return Lease(valid.ends, valid.number, ends <= now) if settings.lease_hours else Lease("", valid.number)


def refusal(lease: Lease, stage: str) -> str:
    """Return why `cdk deploy` refuses a lease that is over, and what to do."""
    return (
        f"The lease of stage {stage} ended at {lease.ends} UTC. `cdk deploy` will refuse the endpoint stack, because "
        f"the endpoint would be deleted at once. Run `python -m ml.lease extend --stage {stage}` first."
    )


def schedule_name(stage: str) -> str:
    """Return the name of the schedule that deletes the stage's endpoint."""
    return f"pneumonia-{stage}-lease"


def failures_name(stage: str) -> str:
    """Return the name of the queue for the schedule's failed calls."""
    return f"pneumonia-{stage}-lease-failures"


def add_schedule(scope: Construct, lease: Lease, settings: Settings) -> scheduler.CfnSchedule:
    """Add the schedule that deletes the endpoint at the lease's end, its role, and a queue for failed calls."""
    queue = failures(scope, settings.stage)
    role = schedule_role(scope, lease, settings, queue)
    target = scheduler.CfnSchedule
    schedule = scheduler.CfnSchedule(
        scope,
        "Lease",
        name=schedule_name(settings.stage),
        description=f"Deletes the endpoint of stage {settings.stage} when its lease ends; "
        "extend it with python -m ml.lease.",
        schedule_expression="",
        schedule_expression_timezone="UTC",
        # `ml.lease end` disables the schedule. Without this line, an update would leave it disabled.
        state="ENABLED",
        flexible_time_window=target.FlexibleTimeWindowProperty(mode="OFF"),
        target=target.TargetProperty(
            arn=f"arn:{cdk.Aws.PARTITION}:scheduler:::aws-sdk:sagemaker:deleteEndpoint",
            role_arn=role.role_arn,
            input=json.dumps({"EndpointName": lease.endpoint_name(settings.stage)}),
            dead_letter_config=target.DeadLetterConfigProperty(arn=queue.queue_arn),
            retry_policy=target.RetryPolicyProperty(maximum_event_age_in_seconds=LONGEST_RETRY.to_seconds()),
        ),
    )
    schedule.schedule_expression = cdk.Fn.join("", ["at(", end_parameter(schedule, lease).value_as_string, ")"])
    # The role's policy is a separate resource; a reference to the role does not wait for it.
    schedule.node.add_dependency(role)
    return schedule


def end_parameter(schedule: scheduler.CfnSchedule, lease: Lease) -> cdk.CfnParameter:
    """Return the template's parameter for the lease's end.

    `cdk deploy` keeps the value of a parameter that the stack already has. A deployment therefore never moves a lease
    that was extended in AWS. The parameter's name is a hash of the schedule's other properties. If one of them changes,
    CloudFormation updates the schedule, and the value of the old parameter may be in the past.

    For a lease that is over, the parameter has no default and a name that no stack has. The deployment then fails,
    where the schedule would delete the endpoint at once.
    """
    stack = cdk.Stack.of(schedule)
    if lease.over:
        return cdk.CfnParameter(stack, "LeaseIsOver", description="Run python -m ml.lease extend, then deploy again.")
    properties = json.dumps(stack.resolve([schedule.description, schedule.target]), sort_keys=True)
    name = f"LeaseEnds{hashlib.sha256(properties.encode()).hexdigest()[:8]}"
    return cdk.CfnParameter(stack, name, default=lease.ends, description="UTC; later deployments keep the first value.")


def schedule_role(scope: Construct, lease: Lease, settings: Settings, queue: sqs.Queue) -> iam.Role:
    """Return the schedule's role, which can delete this endpoint and send failed calls to the queue."""
    stack = cdk.Stack.of(scope)
    role = iam.Role(
        scope,
        "LeaseRole",
        assumed_by=iam.ServicePrincipal(
            "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": stack.account}}
        ),
    )
    endpoint = stack.format_arn(
        service="sagemaker", resource="endpoint", resource_name=lease.endpoint_name(settings.stage)
    )
    grant = iam.PolicyStatement
    role.add_to_policy(grant(sid="DeleteTheEndpoint", actions=["sagemaker:DeleteEndpoint"], resources=[endpoint]))
    role.add_to_policy(grant(sid="ReportFailures", actions=["sqs:SendMessage"], resources=[queue.queue_arn]))
    if settings.scales:
        # SageMaker requires this to delete an endpoint that scales (developer guide, "Delete endpoints configured for
        # auto scaling"). The ids of scalable targets are random.
        targets = f"application-autoscaling:{stack.region}:{stack.account}:scalable-target/*"
        role.add_to_policy(
            grant(
                sid="StopScaling",
                actions=["application-autoscaling:DeregisterScalableTarget"],
                resources=[f"arn:{cdk.Aws.PARTITION}:{targets}"],
                conditions={
                    "StringEquals": {
                        "application-autoscaling:service-namespace": "sagemaker",
                        "application-autoscaling:scalable-dimension": "sagemaker:variant:DesiredInstanceCount",
                    }
                },
            )
        )
        acknowledge(
            role,
            f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:{targets.replace(stack.account, '<AWS::AccountId>')}]",
            "The id of a scalable target is random. Conditions limit the grant to SageMaker endpoints.",
        )
    return role


def failures(scope: Construct, stage: str) -> sqs.Queue:
    """Return the queue for calls that failed after all retries, each with its error."""
    queue = sqs.Queue(
        scope,
        "LeaseFailures",
        queue_name=failures_name(stage),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=cdk.Duration.days(14),
    )
    acknowledge(queue, "AwsSolutions-SQS3", "This is the dead-letter queue of a schedule.")
    return queue
