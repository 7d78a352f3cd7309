"""What the stacks say of themselves: names of exports, and the settings they were deployed with.

A named export is there from the first deployment on, so that deploying the endpoint later leaves that stack as it is; a
construct reference would add its export only once something consumes it.
"""

import json
from dataclasses import asdict

import aws_cdk as cdk

from infra.settings import Settings

RECORDED = {
    "Storage": ("region", "kms", "retain_data"),
    "Endpoint": (
        "region", "hosting", "instance_type", "instance_count", "autoscaling_max_instances", "serverless_memory_mb",
        "serverless_concurrency", "lease_hours", "data_capture_percent",
    ),
}  # fmt: skip
"""The settings that shape each stack, by its part's name. One that a stack does not depend on is left out, so that
changing it leaves that stack as it is."""


def settings_output(stack: cdk.Stack, part: str, settings: Settings) -> None:
    """Add the output `Settings`, compact JSON, with which `ml.preflight` compares what would be deployed."""
    values = {name: value for name, value in asdict(settings).items() if name in RECORDED[part]}
    cdk.CfnOutput(stack, "Settings", value=json.dumps(values, separators=(",", ":")))


def execution_role_export(settings: Settings) -> str:
    """Return the export of the execution role's ARN."""
    return f"{settings.stack_name('Storage')}:ExecutionRoleArn"


def bucket_export(settings: Settings) -> str:
    """Return the export of the data bucket's name."""
    return f"{settings.stack_name('Storage')}:DataBucketName"


def key_export(settings: Settings) -> str:
    """Return the export of the key's ARN, which exists where the setting kms is create."""
    return f"{settings.stack_name('Storage')}:DataKeyArn"


def retained_export(settings: Settings) -> str:
    """Return the export of the data bucket's name that exists where the setting retain_data is true."""
    return f"{settings.stack_name('Storage')}:RetainedBucketName"
