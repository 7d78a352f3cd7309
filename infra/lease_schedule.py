"""The lease: an endpoint that deletes itself unless somebody extends it, so that a forgotten one stops costing.

`python -m ml.lease` writes when it ends, and which endpoint of the stage it is for, into cdk.context.json. A one-time
schedule of EventBridge Scheduler calls SageMaker's DeleteEndpoint by itself. CloudFormation does not learn of that;
the next lease therefore has the next number, which is part of the endpoint's name, and a plain `cdk deploy` makes the
endpoint anew under that name.
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

from infra.errors import SettingsError
from infra.nag import acknowledge
from infra.settings import Settings

FORM = "%Y-%m-%dT%H:%M:%S"
LONGEST_RETRY = cdk.Duration.hours(2)
"""SageMaker refuses to delete an endpoint during an update, which may take this long (infra/rollback.py)."""


@dataclass(frozen=True)
class Lease:
    """The lease of a stage.

    Attributes:
        ends: the time in UTC, as 2026-11-24T18:00:00; "" where the endpoint runs until it is deleted.
        number: of the endpoint within its stage, from 1.
        over: whether `ends` had passed when the lease was read.
    """

    ends: str
    number: int
    over: bool = False

    def endpoint_name(self, stage: str) -> str:
        """Return the endpoint's name: the stage's, with the number from the second lease on."""
        return f"pneumonia-{stage}" + (f"-{self.number}" if self.number > 1 else "")


def read(context: Mapping[str, Any], settings: Settings, now: dt.datetime) -> Lease:
    """Return the stage's lease; one that never ends where the stage does not lease.

    Args:
        now: an aware time; it decides whether the lease is over.

    Raises:
        SettingsError: the stage leases and there is no lease in context, or the entry cannot be used.
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
    text, number = (entry.get("ends"), entry.get("number")) if isinstance(entry, dict) else (None, None)
    ends = moment(text)
    if ends is None or not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= 9999:
        raise SettingsError(
            f"lease:{settings.stage} in cdk.context.json is {entry!r}; it must have ends, a UTC time such as "
            f"2026-11-24T18:00:00, and number, from 1 to 9999. {remedy}."
        )
    return Lease(f"{ends:{FORM}}", number, ends <= now) if settings.lease_hours else Lease("", number)


def moment(text: Any) -> dt.datetime | None:
    """Return the time that a text such as 2026-11-24T18:00:00 names, in UTC; None where it names none."""
    try:
        return dt.datetime.strptime(text, FORM).replace(tzinfo=dt.UTC)
    except (TypeError, ValueError):
        return None


def refusal(lease: Lease, stage: str) -> str:
    """Return why a lease that is over is not deployed, and what to do."""
    return (
        f"The lease of stage {stage} ended at {lease.ends} UTC: `cdk deploy` will refuse the endpoint stack, because "
        f"the endpoint would be deleted at once. Run `python -m ml.lease extend --stage {stage}` first."
    )


def schedule_name(stage: str) -> str:
    """Return the name of the schedule that ends the stage's lease."""
    return f"pneumonia-{stage}-lease"


def failures_name(stage: str) -> str:
    """Return the name of the queue that holds what the schedule could not do."""
    return f"pneumonia-{stage}-lease-failures"


def add_schedule(scope: Construct, lease: Lease, settings: Settings) -> scheduler.CfnSchedule:
    """Let EventBridge Scheduler delete the endpoint at the lease's end, and keep what it could not do in a queue."""
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
        # Said, because an update leaves out what the template does not say: a lease ended by hand is off.
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
    # The role's policy is a resource of its own, which the role's ARN does not wait for.
    schedule.node.add_dependency(role)
    return schedule


def end_parameter(schedule: scheduler.CfnSchedule, lease: Lease) -> cdk.CfnParameter:
    """Return the template's parameter for the lease's end.

    `cdk deploy` gives a parameter that the stack has already its previous value. A deployment therefore never moves a
    lease that was extended in AWS since, whatever cdk.context.json says. The parameter's name changes with all that
    the schedule says besides its time: CloudFormation then updates the schedule, and the time that was deployed first
    may have passed.

    A lease that is over has a parameter without a default, which no stack has: a deployment that would let the
    schedule delete the endpoint at once fails instead. Nothing else asks for parameters.
    """
    stack = cdk.Stack.of(schedule)
    if lease.over:
        return cdk.CfnParameter(stack, "LeaseIsOver", description="Run python -m ml.lease extend, then deploy again.")
    said = json.dumps(stack.resolve([schedule.description, schedule.target]), sort_keys=True)
    name = f"LeaseEnds{hashlib.sha256(said.encode()).hexdigest()[:8]}"
    return cdk.CfnParameter(stack, name, default=lease.ends, description="UTC; later deployments keep the first value.")


def schedule_role(scope: Construct, lease: Lease, settings: Settings, queue: sqs.Queue) -> iam.Role:
    """Return the role that the schedule acts as: it may delete this endpoint, and report that it could not."""
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
        # auto scaling"). Application Auto Scaling names its targets by random ids, and keeps tags of its own.
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
            "The id of a scalable target is random; conditions bind the grant to endpoints of SageMaker.",
        )
    return role


def failures(scope: Construct, stage: str) -> sqs.Queue:
    """Return the queue for calls that EventBridge Scheduler gave up, each with the error's text."""
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
