"""A later deployment cannot make retained data deletable: the templates on the CloudFormation of localaws."""

import json
from typing import Any

import pytest
from aws_cdk.assertions import Template
from botocore.exceptions import ClientError, WaiterError

from tests.localaws.server.builders import Server
from tests.waiting import OFTEN

from .builders import Synth

STORAGE, RETENTION = "Pneumonia-prod-Storage", "Pneumonia-prod-Retention"


def apply(server: Server, action: str, name: str, template: Template) -> dict[str, Any]:
    """Create or update a stack; return its description."""
    client = server.client("cloudformation")
    body = json.dumps(template.to_json())
    getattr(client, f"{action}_stack")(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    client.get_waiter(f"stack_{action}_complete").wait(StackName=name, WaiterConfig=OFTEN)
    return described(server, name)


def described(server: Server, name: str) -> dict[str, Any]:
    (stack,) = server.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return dict(stack)


def test_no_setting_makes_a_retained_bucket_deletable_and_destroying_leaves_it(server: Server, synth: Synth) -> None:
    client, s3 = server.client("cloudformation"), server.client("s3")
    # The account is bootstrapped.
    server.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
    retained, removable = synth(stage="prod"), synth(stage="prod", retain_data="false")
    stack = apply(server, "create", STORAGE, retained["Storage"])
    apply(server, "create", RETENTION, retained["Retention"])
    (bucket,) = [output["OutputValue"] for output in stack["Outputs"] if output["OutputKey"] == "DataBucketName"]
    s3.put_object(Bucket=bucket, Key="datasets/image", Body=b"x")

    with pytest.raises(WaiterError):
        apply(server, "update", STORAGE, removable["Storage"])
    assert described(server, STORAGE)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    events = client.describe_stack_events(StackName=STORAGE)["StackEvents"]
    (reason,) = [text for event in events if "in use" in (text := event.get("ResourceStatusReason", ""))]
    assert "Pneumonia-prod-Storage:RetainedBucketName" in reason
    assert RETENTION in reason

    with pytest.raises(ClientError, match=RETENTION):
        client.delete_stack(StackName=STORAGE)
    for name in (RETENTION, STORAGE):  # the importing stack first
        client.delete_stack(StackName=name)
        client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=OFTEN)
    assert s3.get_object(Bucket=bucket, Key="datasets/image")["Body"].read() == b"x"
