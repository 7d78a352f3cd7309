"""Outputs of the stacks: named exports, and the settings of their deployment.

The exports have fixed names because a construct reference would add its export only when another stack uses it:
deploying the endpoint would then change the storage stack.
"""

import json

import aws_cdk as cdk

from infra.settings import Settings

RECORDED = {
    "Storage": ("region", "kms", "retain_data"),
    "Endpoint": (
        "region", "hosting", "instance_type", "instance_count", "autoscaling_max_instances", "serverless_memory_mb",
        "serverless_concurrency", "lease_hours", "data_capture_percent",
    ),
}  # fmt: skip
"""The settings that each stack depends on. Changing another setting leaves the stack unchanged."""


def settings_output(stack: cdk.Stack, part: str, settings: Settings) -> None:
    """Add the output `Settings`, compact JSON, which `ml.preflight` compares with the settings to deploy."""
    values = settings.model_dump(include=set(RECORDED[part]))
    cdk.CfnOutput(stack, "Settings", value=json.dumps(values, separators=(",", ":")))


def execution_role_export(settings: Settings) -> str:
    """Return the export of the execution role's ARN."""
    return f"{settings.stack_name('Storage')}:ExecutionRoleArn"


def bucket_export(settings: Settings) -> str:
    """Return the export of the data bucket's name."""
    return f"{settings.stack_name('Storage')}:DataBucketName"


def key_export(settings: Settings) -> str:
    """Return the export of the key's ARN, which exists if kms is "create"."""
    return f"{settings.stack_name('Storage')}:DataKeyArn"


def retained_export(settings: Settings) -> str:
    """Return the second export of the data bucket's name, which exists if retain_data is true."""
    return f"{settings.stack_name('Storage')}:RetainedBucketName"
