"""CloudFormation: a model, a configuration or another resource with a name of its own is not replaced under it."""

import contextlib
import json
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from tests.localaws.sagemaker.builders import IMAGE, Cloud, put_model, unique

Resource = dict[str, Any]


def model(cloud: Cloud, version: str, name: str) -> Resource:
    container = {"Image": IMAGE, "ModelDataUrl": put_model(cloud, version)}
    properties = {"ModelName": name, "PrimaryContainer": container, "ExecutionRoleArn": cloud.role}
    return {"Type": "AWS::SageMaker::Model", "Properties": properties}


def role(path: str, name: str) -> Resource:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    properties = {"RoleName": name, "Path": path, "AssumeRolePolicyDocument": trust}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


@pytest.mark.parametrize("kind", ["model", "role"])
def test_an_update_that_replaces_a_named_resource_fails_until_the_name_changes(cloud: Cloud, kind: str) -> None:
    first, second, stack = unique("first"), unique("second"), unique("named")

    def template(version: int, name: str) -> str:
        resource = model(cloud, f"{name}{version}", name) if kind == "model" else role(f"/{version}/", name)
        return json.dumps({"Resources": {"Named": resource}})

    stacks = cloud.client("cloudformation")
    stacks.create_stack(StackName=stack, TemplateBody=template(1, first), Capabilities=["CAPABILITY_NAMED_IAM"])
    stacks.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    statuses = []
    for name in (first, second):
        stacks.update_stack(StackName=stack, TemplateBody=template(2, name), Capabilities=["CAPABILITY_NAMED_IAM"])
        with contextlib.suppress(WaiterError):
            stacks.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
        statuses.append(stacks.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
    assert statuses == ["UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE"]
    events = stacks.describe_stack_events(StackName=stack)["StackEvents"]
    (reason,) = {event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "UPDATE_FAILED"}
    assert "cannot update a stack when a custom-named resource requires replacing" in reason
    assert f"Rename {first} and update the stack again" in reason
