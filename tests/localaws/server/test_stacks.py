"""CloudFormation's buckets: tagged, and not deleted while they hold anything."""

import json
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from .conftest import Server

TEMPLATE = {
    "Resources": {
        "Data": {"Type": "AWS::S3::Bucket", "Properties": {"Tags": [{"Key": "owner", "Value": "ward 3"}]}},
    },
    "Outputs": {
        "Bucket": {"Value": {"Ref": "Data"}},
        "Url": {"Value": "https://abc123.execute-api.us-east-1.amazonaws.com/dev/"},
    },
}


def deploy(server: Server, name: str) -> dict[str, str]:
    """Create a stack of TEMPLATE and return its outputs."""
    client = server.client("cloudformation")
    client.create_stack(StackName=name, TemplateBody=json.dumps(TEMPLATE))
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=quick())
    (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def destroy(server: Server, name: str) -> None:
    client = server.client("cloudformation")
    client.delete_stack(StackName=name)
    client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=quick())


def quick() -> dict[str, Any]:
    return {"Delay": 1, "MaxAttempts": 20}


def test_a_bucket_has_the_tags_of_its_template(server: Server) -> None:
    bucket = deploy(server, "tagged")["Bucket"]
    assert server.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "owner", "Value": "ward 3"}]


def test_a_bucket_that_holds_objects_is_not_deleted(server: Server) -> None:
    bucket = deploy(server, "filled")["Bucket"]
    server.client("s3").put_object(Bucket=bucket, Key="film", Body=b"x")
    with pytest.raises(WaiterError):
        destroy(server, "filled")
    assert server.client("s3").get_object(Bucket=bucket, Key="film")["Body"].read() == b"x"
    server.client("s3").delete_object(Bucket=bucket, Key="film")
    destroy(server, "filled")
    assert bucket not in [one["Name"] for one in server.client("s3").list_buckets()["Buckets"]]


def test_an_apis_url_in_an_output_is_one_that_answers_here(server: Server) -> None:
    assert deploy(server, "urls")["Url"] == f"http://localhost:{server.port}/restapis/abc123/dev/_user_request_/"
