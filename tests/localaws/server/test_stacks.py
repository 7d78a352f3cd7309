"""CloudFormation: tags of buckets, buckets that hold objects, and exports in use."""

import contextlib
import json

import pytest
from botocore.exceptions import WaiterError

from tests.localaws.server.builders import Server
from tests.waiting import OFTEN

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
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=OFTEN)
    (stack,) = client.describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def destroy(server: Server, name: str) -> None:
    client = server.client("cloudformation")
    client.delete_stack(StackName=name)
    client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=OFTEN)


def test_a_bucket_has_the_tags_of_its_template(server: Server) -> None:
    bucket = deploy(server, "tagged")["Bucket"]
    assert server.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "owner", "Value": "ward 3"}]


def test_a_bucket_that_holds_objects_is_not_deleted(server: Server) -> None:
    bucket = deploy(server, "filled")["Bucket"]
    server.client("s3").put_object(Bucket=bucket, Key="image", Body=b"x")
    with pytest.raises(WaiterError):
        destroy(server, "filled")
    assert server.client("s3").get_object(Bucket=bucket, Key="image")["Body"].read() == b"x"
    server.client("s3").delete_object(Bucket=bucket, Key="image")
    destroy(server, "filled")
    assert bucket not in [listed["Name"] for listed in server.client("s3").list_buckets()["Buckets"]]


def test_an_apis_url_in_an_output_is_one_that_answers_here(server: Server) -> None:
    assert deploy(server, "urls")["Url"] == f"http://localhost:{server.port}/restapis/abc123/dev/_user_request_/"


def exporting(**exports: str) -> str:
    """Return a template with one resource that exports these values."""
    outputs = {name: {"Value": value, "Export": {"Name": f"ward:{name}"}} for name, value in exports.items()}
    return json.dumps({"Resources": TEMPLATE["Resources"], "Outputs": outputs})


def importing(name: str) -> str:
    parameter = {"Type": "String", "Value": {"Fn::ImportValue": f"ward:{name}"}}
    return json.dumps({"Resources": {"Used": {"Type": "AWS::SSM::Parameter", "Properties": parameter}}})


def update(server: Server, name: str, template: str) -> str:
    """Update a stack; return the reasons in its events."""
    client = server.client("cloudformation")
    client.update_stack(StackName=name, TemplateBody=template)
    with contextlib.suppress(WaiterError):
        client.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig=OFTEN)
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    return " ".join(event.get("ResourceStatusReason", "") for event in events)


def status(server: Server, name: str) -> str:
    (stack,) = server.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    return str(stack["StackStatus"])


def test_an_export_in_use_is_neither_dropped_nor_changed_until_nothing_imports_it(server: Server) -> None:
    client = server.client("cloudformation")
    client.create_stack(StackName="exporter", TemplateBody=exporting(used="a", unused="b"))
    client.get_waiter("stack_create_complete").wait(StackName="exporter", WaiterConfig=OFTEN)
    client.create_stack(StackName="importer", TemplateBody=importing("used"))
    client.get_waiter("stack_create_complete").wait(StackName="importer", WaiterConfig=OFTEN)

    reasons = update(server, "exporter", exporting(unused="b"))
    assert "Cannot delete export ward:used as it is in use by importer" in reasons
    assert status(server, "exporter") == "UPDATE_ROLLBACK_COMPLETE"
    reasons = update(server, "exporter", exporting(used="changed", unused="b"))
    assert "Cannot update export ward:used as it is in use by importer" in reasons
    assert status(server, "exporter") == "UPDATE_ROLLBACK_COMPLETE"
    assert {export["Name"]: export["Value"] for export in client.list_exports()["Exports"]} == {
        "ward:used": "a",
        "ward:unused": "b",
    }

    update(server, "exporter", exporting(used="a"))
    assert status(server, "exporter") == "UPDATE_COMPLETE"
    destroy(server, "importer")
    update(server, "exporter", exporting(other="c"))
    assert status(server, "exporter") == "UPDATE_COMPLETE"
    assert [export["Name"] for export in client.list_exports()["Exports"]] == ["ward:other"]
    destroy(server, "exporter")
