"""CloudFormation updates that AWS refuses: the stack rolls back, and the event has the reason."""

import contextlib
import json
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from tests.localaws.sagemaker.builders import IMAGE, Cloud, make_config, make_model, put_model, unique
from tests.waiting import OFTEN

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


def create(cloud: Cloud, stack: str, template: str) -> None:
    stacks = cloud.client("cloudformation")
    stacks.create_stack(StackName=stack, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    stacks.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig=OFTEN)


def update(cloud: Cloud, stack: str, template: str) -> str:
    """Update a stack; return its status."""
    stacks = cloud.client("cloudformation")
    stacks.update_stack(StackName=stack, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    with contextlib.suppress(WaiterError):
        stacks.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig=OFTEN)
    return str(stacks.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])


def failure(cloud: Cloud, stack: str) -> str:
    """Return the reason of the only resource whose update failed."""
    events = cloud.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    (reason,) = {event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "UPDATE_FAILED"}
    return str(reason)


@pytest.mark.parametrize("kind", ["model", "role"])
def test_an_update_that_replaces_a_named_resource_fails_until_the_name_changes(cloud: Cloud, kind: str) -> None:
    first, second, stack = unique("first"), unique("second"), unique("named")

    def template(version: int, name: str) -> str:
        resource = model(cloud, f"{name}{version}", name) if kind == "model" else role(f"/{version}/", name)
        return json.dumps({"Resources": {"Named": resource}})

    create(cloud, stack, template(1, first))
    assert update(cloud, stack, template(2, first)) == "UPDATE_ROLLBACK_COMPLETE"
    assert update(cloud, stack, template(2, second)) == "UPDATE_COMPLETE"
    reason = failure(cloud, stack)
    assert "cannot update a stack when a custom-named resource requires replacing" in reason
    assert f"Rename {first} and update the stack again" in reason


def test_an_endpoint_with_instances_stays_when_its_stack_is_updated_to_serverless(cloud: Cloud) -> None:
    stack, name, config = unique("hosting"), unique("endpoint"), make_config(cloud, make_model(cloud))

    def template(config_name: str) -> str:
        properties = {"EndpointName": name, "EndpointConfigName": config_name}
        return json.dumps({"Resources": {"Served": {"Type": "AWS::SageMaker::Endpoint", "Properties": properties}}})

    create(cloud, stack, template(config))
    serverless = make_config(cloud, make_model(cloud), serverless=True)
    assert update(cloud, stack, template(serverless)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "real-time endpoint to a serverless endpoint is not supported" in failure(cloud, stack)
    endpoint = cloud.client("sagemaker").describe_endpoint(EndpointName=name)
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", config)
