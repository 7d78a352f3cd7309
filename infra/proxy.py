"""The Lambda proxy: its code, its environment, and a role that can do what its routes do and nothing else."""

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import endpoint_price
from infra.deployed_model import TrainedModel
from infra.exports import bucket_export, key_export
from infra.lease_schedule import SCHEDULER, Lease, role_name, schedule_name
from infra.nag import acknowledge
from infra.settings import Settings

TIMEOUT = cdk.Duration.seconds(29)
"""API Gateway's default limit for an integration; a longer one needs a raised quota."""
UPLOADS = "uploads"
"""Prefix of the data bucket for images that are too large for a request."""

Grant = tuple[list[str], list[str], dict[str, Any]]
"""Actions, resources, conditions."""


def proxy(
    scope: Construct, settings: Settings, model: TrainedModel, lease: Lease, asset: Path, log_group: logs.LogGroup
) -> lambda_.Function:
    """Return the function."""
    role = iam.Role(scope, "ProxyRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log_group.grant_write(role)
    granted = asking(cdk.Stack.of(scope), settings, model, lease) | leasing(cdk.Stack.of(scope), settings, lease)
    for sid, (actions, resources, conditions) in granted.items():
        role.add_to_policy(iam.PolicyStatement(sid=sid, actions=actions, resources=resources, conditions=conditions))
    acknowledge(
        role,
        f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{bucket_export(settings)}/{UPLOADS}/*]",
        "Each upload has a random name below this prefix; no other prefix of the bucket is open to it.",
    )
    return lambda_.Function(
        scope,
        "Proxy",
        function_name=function_name(settings.stage),
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.ARM_64,
        handler="handler.handler",
        code=lambda_.Code.from_asset(str(asset)),
        role=role.without_policy_updates(),
        log_group=log_group,
        memory_size=settings.function_memory_mb,
        timeout=TIMEOUT,
        environment=environment(settings, model, lease),
    )


def function_name(stage: str) -> str:
    """Return the function's name, fixed for the alarms on it."""
    return f"pneumonia-{stage}-proxy"


def asking(stack: cdk.Stack, settings: Settings, model: TrainedModel, lease: Lease) -> dict[str, Grant]:
    """Return what predictions, uploads and the model's description need."""
    endpoint = stack.format_arn(
        service="sagemaker", resource="endpoint", resource_name=lease.endpoint_name(settings.stage)
    )
    bucket = cdk.Fn.import_value(bucket_export(settings))
    uploads = cdk.Fn.join("", ["arn:", cdk.Aws.PARTITION, ":s3:::", bucket, f"/{UPLOADS}/*"])
    granted: dict[str, Grant] = {
        "AskTheEndpoint": (["sagemaker:InvokeEndpoint"], [endpoint], {}),
        "KeepUploads": (["s3:GetObject", "s3:PutObject"], [uploads], {}),
    }
    if model.evaluation:
        place = model.evaluation.removeprefix("s3://")
        found = [f"arn:{cdk.Aws.PARTITION}:s3:::{place}{name}" for name in ("metrics.json", "report.html")]
        granted["ReadTheEvaluation"] = (["s3:GetObject"], found, {})
    if settings.kms == "create":
        key = cdk.Fn.import_value(key_export(settings))
        granted["UseTheKey"] = (["kms:Decrypt", "kms:GenerateDataKey"], [key], {})
    return granted


def leasing(stack: cdk.Stack, settings: Settings, lease: Lease) -> dict[str, Grant]:
    """Return what it needs to say when the lease ends and, where callers may, to put that off.

    An update names the role that the schedule acts as, which is passing it: to the scheduler only, and no other role.
    """
    if not lease.ends:
        return {}
    schedule = stack.format_arn(
        service="scheduler", resource="schedule/default", resource_name=schedule_name(settings.stage)
    )
    if not settings.extend_hours:
        return {"SeeTheLease": (["scheduler:GetSchedule"], [schedule], {})}
    role = stack.format_arn(
        service="iam", region="", resource="role", resource_name=role_name(settings.stage, stack.region)
    )
    return {
        "ExtendTheLease": (["scheduler:GetSchedule", "scheduler:UpdateSchedule"], [schedule], {}),
        "KeepTheLeasesRole": (["iam:PassRole"], [role], {"StringEquals": {"iam:PassedToService": SCHEDULER}}),
    }


def environment(settings: Settings, model: TrainedModel, lease: Lease) -> dict[str, str]:
    """Return the function's variables; the proxy checks them once it starts."""
    return {
        "STAGE": settings.stage,
        "ENDPOINT_NAME": lease.endpoint_name(settings.stage),
        "ENDPOINT_COST": json.dumps(found)
        if (found := endpoint_price.endpoint(settings, endpoint_price.read()))
        else "",
        "CLASSES": json.dumps(list(model.classes)),
        "RESIZE_MODE": model.resize_mode,
        "THRESHOLD": repr(model.threshold),
        "THRESHOLD_SOURCE": model.threshold_source,
        "CALIBRATION": json.dumps(dict(zip(("slope", "intercept"), model.calibration, strict=True))),
        "MODEL_VERSION": model.training_job,
        "UPLOAD_BUCKET": cdk.Fn.import_value(bucket_export(settings)),
        "EVALUATION_URI": model.evaluation,
        "CORS_ORIGINS": ",".join(settings.cors_origins),
        "LEASE_SCHEDULE": schedule_name(settings.stage) if lease.ends else "",
        "LEASE_ENDS": lease.ends,
        "LEASE_EXTEND_HOURS": str(settings.extend_hours),
    }
