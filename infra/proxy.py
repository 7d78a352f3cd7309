"""The Lambda proxy: its code, its environment, and a role that can do what its routes do and nothing else."""

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.exports import bucket_export, key_export
from infra.lease import Lease
from infra.model import TrainedModel
from infra.nag import acknowledge
from infra.settings import Settings

TIMEOUT = cdk.Duration.seconds(29)
"""API Gateway's default limit for an integration; a longer one needs a raised quota."""
UPLOADS = "uploads"
"""Prefix of the data bucket for films that are too large for a request."""


def proxy(
    scope: Construct, settings: Settings, model: TrainedModel, lease: Lease, asset: Path, log_group: logs.LogGroup
) -> lambda_.Function:
    """Return the function."""
    stack = cdk.Stack.of(scope)
    endpoint = lease.endpoint_name(settings.stage)
    bucket = cdk.Fn.import_value(bucket_export(settings))
    role = iam.Role(scope, "ProxyRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log_group.grant_write(role)
    granted = {
        "AskTheEndpoint": (
            ["sagemaker:InvokeEndpoint"],
            [stack.format_arn(service="sagemaker", resource="endpoint", resource_name=endpoint)],
        ),
        "KeepUploads": (
            ["s3:GetObject", "s3:PutObject"],
            [cdk.Fn.join("", ["arn:", cdk.Aws.PARTITION, ":s3:::", bucket, f"/{UPLOADS}/*"])],
        ),
    }
    if model.evaluation:
        place = model.evaluation.removeprefix("s3://")
        found = [f"arn:{cdk.Aws.PARTITION}:s3:::{place}{name}" for name in ("metrics.json", "report.html")]
        granted["ReadTheEvaluation"] = (["s3:GetObject"], found)
    if settings.kms == "create":
        granted["UseTheKey"] = (["kms:Decrypt", "kms:GenerateDataKey"], [cdk.Fn.import_value(key_export(settings))])
    for sid, (actions, resources) in granted.items():
        role.add_to_policy(iam.PolicyStatement(sid=sid, actions=actions, resources=resources))
    acknowledge(
        role,
        f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{bucket_export(settings)}/{UPLOADS}/*]",
        "Each upload has a random name below this prefix; no other prefix of the bucket is open to it.",
    )
    return lambda_.Function(
        scope,
        "Proxy",
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.ARM_64,
        handler="handler.handler",
        code=lambda_.Code.from_asset(str(asset)),
        role=role.without_policy_updates(),
        log_group=log_group,
        memory_size=settings.function_memory_mb,
        timeout=TIMEOUT,
        environment={
            "STAGE": settings.stage,
            "ENDPOINT_NAME": endpoint,
            "CLASSES": json.dumps(list(model.classes)),
            "FILM_POLICY": model.policy,
            "THRESHOLD": repr(model.threshold),
            "THRESHOLD_SOURCE": model.threshold_source,
            "CALIBRATION": json.dumps(dict(zip(("slope", "intercept"), model.calibration, strict=True))),
            "MODEL_VERSION": model.training_job,
            "UPLOAD_BUCKET": bucket,
            "EVALUATION_URI": model.evaluation,
            "CORS_ORIGINS": ",".join(settings.cors_origins),
            "LEASE_ENDS": lease.ends,
        },
    )
