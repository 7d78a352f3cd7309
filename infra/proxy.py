"""The function behind the API: its code, its environment, and a role with the grants that its routes need."""

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import endpoint_price
from infra.deployed_model import DeployedModel
from infra.exports import bucket_export, key_export
from infra.lease_schedule import Lease, schedule_name
from infra.nag import acknowledge
from infra.settings import Settings

TIMEOUT = cdk.Duration.seconds(29)
"""API Gateway's default limit for an integration."""
UPLOADS = "uploads"
"""Prefix of the data bucket for images that exceed the limit of a request."""

Grant = tuple[list[str], list[str]]
"""Actions and resources."""


def proxy(
    scope: Construct, settings: Settings, model: DeployedModel, lease: Lease, asset: Path, log_group: logs.LogGroup
) -> lambda_.Function:
    """Return the function with its role."""
    role = iam.Role(scope, "ProxyRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log_group.grant_write(role)
    for sid, (actions, resources) in grants(cdk.Stack.of(scope), settings, model, lease).items():
        role.add_to_policy(iam.PolicyStatement(sid=sid, actions=actions, resources=resources))
    acknowledge(
        role,
        f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{bucket_export(settings)}/{UPLOADS}/*]",
        "Each upload has a random name below this prefix. The role has no access to other prefixes.",
    )
    return lambda_.Function(
        scope,
        "Proxy",
        function_name=function_name(settings.stage),
        runtime=lambda_.Runtime.PYTHON_3_14,
        # ONNX Runtime has crashed at its import on Lambda's arm64 (microsoft/onnxruntime, issue 10038).
        architecture=lambda_.Architecture.X86_64 if settings.in_function else lambda_.Architecture.ARM_64,
        handler="handler.handler",
        code=lambda_.Code.from_asset(str(asset)),
        role=role.without_policy_updates(),
        log_group=log_group,
        memory_size=settings.memory_mb,
        timeout=TIMEOUT,
        environment=environment(settings, model, lease),
    )


def function_name(stage: str) -> str:
    """Return the function's name, which the alarms also use."""
    return f"pneumonia-{stage}-proxy"


def grants(stack: cdk.Stack, settings: Settings, model: DeployedModel, lease: Lease) -> dict[str, Grant]:
    """Return the grants that predictions, uploads and the model's description need, by statement id."""
    endpoint = stack.format_arn(
        service="sagemaker", resource="endpoint", resource_name=lease.endpoint_name(settings.stage)
    )
    bucket = cdk.Fn.import_value(bucket_export(settings))
    uploads = cdk.Fn.join("", ["arn:", cdk.Aws.PARTITION, ":s3:::", bucket, f"/{UPLOADS}/*"])
    statements: dict[str, Grant] = {"KeepUploads": (["s3:GetObject", "s3:PutObject"], [uploads])}
    if model.graph is not None and settings.in_function:
        graph = f"arn:{cdk.Aws.PARTITION}:s3:::{model.graph.uri.removeprefix('s3://')}"
        statements["ReadTheGraph"] = (["s3:GetObject"], [graph])
    else:
        statements["AskTheEndpoint"] = (["sagemaker:InvokeEndpoint"], [endpoint])
    if model.evaluation:
        prefix = model.evaluation.removeprefix("s3://")
        objects = [f"arn:{cdk.Aws.PARTITION}:s3:::{prefix}{name}" for name in ("metrics.json", "report.html")]
        statements["ReadTheEvaluation"] = (["s3:GetObject"], objects)
    if settings.kms == "create":
        key = cdk.Fn.import_value(key_export(settings))
        statements["UseTheKey"] = (["kms:Decrypt", "kms:GenerateDataKey"], [key])
    if lease.ends:
        name = schedule_name(settings.stage)
        schedule = stack.format_arn(service="scheduler", resource="schedule/default", resource_name=name)
        statements["SeeTheLease"] = (["scheduler:GetSchedule"], [schedule])
    return statements


def environment(settings: Settings, model: DeployedModel, lease: Lease) -> dict[str, str]:
    """Return the function's variables; the proxy checks them when it starts."""
    price = endpoint_price.endpoint(settings, endpoint_price.read())
    return {
        "STAGE": settings.stage,
        **model_variables(settings, model, lease),
        "ENDPOINT_COST": json.dumps(price) if price else "",
        "CLASSES": json.dumps(list(model.classes)),
        "RESIZE_MODE": model.resize_mode,
        "THRESHOLD": repr(model.threshold),
        "THRESHOLD_SOURCE": model.threshold_source,
        "CALIBRATION": json.dumps(model.calibration.model_dump()),
        "MODEL_VERSION": model.training_job,
        "UPLOAD_BUCKET": cdk.Fn.import_value(bucket_export(settings)),
        "EVALUATION_URI": model.evaluation,
        "CORS_ORIGINS": ",".join(settings.cors_origins),
        "LEASE_SCHEDULE": schedule_name(settings.stage) if lease.ends else "",
        "LEASE_ENDS": lease.ends,
    }


def model_variables(settings: Settings, model: DeployedModel, lease: Lease) -> dict[str, str]:
    """Return the variables that say what scores the images: the function itself with a graph, or an endpoint."""
    if settings.in_function and model.graph is not None:
        return {"GRAPH_URI": model.graph.uri, "GRAPH_SHA256": model.graph.sha256}
    return {"ENDPOINT_NAME": lease.endpoint_name(settings.stage)}
