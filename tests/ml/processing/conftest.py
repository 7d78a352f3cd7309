"""A stage whose jobs run: its storage stack has a role, and its bucket and the source's are empty."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from PIL import Image

from localaws.environment import client_environment
from ml import project as project_folder
from ml.processing import bundle
from tests.localaws.server.builders import Server
from tests.ml.conftest import write_collection
from tests.ports import free_port

STAGE = "jobs"
SOURCE, CLOSED = "hospital", "closed"
"""Buckets of sources: one that the role of the jobs can read, and one that it cannot."""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "logs:*"]
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ACTIONS, "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": f"arn:aws:s3:::{CLOSED}/*"},
    ],
}
TEMPLATE = {
    "Resources": {
        "Data": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "jobs"}},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": TRUST,
                "Policies": [{"PolicyName": "inline", "PolicyDocument": POLICY}],
            },
        },
    },
    "Outputs": {
        "DataBucketName": {"Value": {"Ref": "Data"}},
        "ExecutionRoleArn": {"Value": "arn:aws:iam::000000000000:role/none"},
        "ProcessingRoleArn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}},
    },
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("processing") / "state", free_port())
    running.start()
    client = running.client("cloudformation")
    client.create_stack(
        StackName=f"Pneumonia-{STAGE}-Storage", TemplateBody=json.dumps(TEMPLATE), Capabilities=["CAPABILITY_IAM"]
    )
    client.get_waiter("stack_create_complete").wait(
        StackName=f"Pneumonia-{STAGE}-Storage", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )
    for bucket in (SOURCE, CLOSED):
        running.client("s3").create_bucket(Bucket=bucket)
    yield running
    running.end(signal.SIGTERM)


@pytest.fixture
def source(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A project, empty buckets, and a collection in S3; the wheels of the container are in the cache."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in client_environment(server.port).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "project").mkdir()
    (tmp_path / "project/cdk.json").write_text(json.dumps({"context": {"stage": STAGE}}))
    monkeypatch.chdir(tmp_path / "project")
    wheels = bundle.wheels_folder(bundle.requirements())
    assert wheels.is_relative_to(project_folder.root())
    wheels.mkdir(parents=True)
    (wheels / "none.whl").write_bytes(b"the interpreter of the tests has the packages")
    s3 = boto3.Session().resource("s3")
    for bucket in ("jobs", SOURCE):
        s3.Bucket(bucket).objects.all().delete()
    folder = write_collection(tmp_path / "images", 12)
    (folder / "train/NORMAL/empty.jpeg").write_bytes(b"")
    Image.effect_noise((300, 300), 60).convert("RGB").save(folder / "test/NORMAL/noise.jpeg")
    for path in folder.rglob("*.jpeg"):
        s3.Bucket(SOURCE).put_object(Key=f"images/{path.relative_to(folder)}", Body=path.read_bytes())
    return f"s3://{SOURCE}/images"
