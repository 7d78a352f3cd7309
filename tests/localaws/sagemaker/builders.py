"""A localaws with the toy algorithm, and requests, models and endpoints for it."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from demo.services import wait_until_healthy
from localaws.environment import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY
from tests.ports import free_port
from tests.waiting import OFTEN

ROOT = Path(__file__).resolve().parents[3]
IMAGE = "811284229777.dkr.ecr.us-east-1.amazonaws.com/toy:1"
BUCKET = "images"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{BUCKET}/open/*"},
        {"Effect": "Allow", "Action": "logs:*", "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*"]}},
        },
    ],
}
"""The execution role's policy: objects below open/, logs, and SageMaker's own metrics."""


@dataclass
class Cloud:
    """A localaws with clients of the account's root. `toy` is the repository of the toy's image."""

    state: Path
    toy: str = "toy"
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    role: str = ""
    clients: dict[str, Any] = field(default_factory=dict)

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.localaws.sagemaker.server"]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), "--state-dir", str(self.state)],
            cwd=ROOT,
            env=os.environ | {"TOY_REPOSITORY": self.toy},
            stdout=subprocess.DEVNULL,
            stderr=(self.state.parent / "server.log").open("ab"),
            start_new_session=True,
        )
        wait_until_healthy(self.process, f"http://localhost:{self.port}/_localaws/health", "localaws", 30)

    def end(self, signum: int) -> None:
        assert self.process is not None
        self.process.send_signal(signum)
        self.process.wait(20)

    def session(self, key: str = ACCESS_KEY_ID, secret: str = SECRET_ACCESS_KEY, token: str | None = None) -> Any:
        return boto3.Session(key, secret, token, REGION)

    def client(self, service: str) -> Any:
        """Return the root's client of a service, created once because parsing SageMaker's model is slow."""
        if service not in self.clients:
            self.clients[service] = self.client_of(self.session(), service)
        return self.clients[service]

    def client_of(self, session: Any, service: str) -> Any:
        return session.client(service, endpoint_url=f"http://localhost:{self.port}")

    def prepare(self) -> None:
        """Create the bucket, the execution role and a small data set."""
        s3, iam = self.client("s3"), self.client("iam")
        s3.create_bucket(Bucket=BUCKET)
        self.role = make_role(iam, "execution", "sagemaker.amazonaws.com", POLICY)
        for name in ("train/NORMAL/a.jpg", "train/PNEUMONIA/b.jpg", "train_lst/train.lst"):
            s3.put_object(Bucket=BUCKET, Key=f"open/{name}", Body=name.encode())

    def events(self, group: str, prefix: str) -> list[str]:
        """Return every line of the first stream of `group` whose name starts with `prefix`."""
        lines = self.log(group, prefix)
        assert lines, f"{group}:{prefix} has no line"
        return lines

    def log(self, group: str, prefix: str) -> list[str]:
        """Return every line of that stream, none if it does not exist yet."""
        logs = self.client("logs")
        try:
            streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)["logStreams"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        if not streams:
            return []
        page = logs.get_log_events(
            logGroupName=group, logStreamName=streams[0]["logStreamName"], startFromHead=True, limit=10000
        )
        return [event["message"] for event in page["events"]]


def make_role(iam: Any, name: str, trusted: str, policy: dict[str, Any]) -> str:
    """Create a role that one service may assume, with one inline policy; return its ARN."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": trusted}, "Action": "sts:AssumeRole"}],
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(policy))
    return str(role["Arn"])


def running_cloud(state: Path) -> Iterator[Cloud]:
    cloud = Cloud(state)
    cloud.start()
    try:
        cloud.prepare()
        yield cloud
    finally:
        cloud.end(signal.SIGTERM)
    assert "Traceback" not in (state.parent / "server.log").read_text()


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def training_request(role: str, **changes: Any) -> dict[str, Any]:
    """Return a CreateTrainingJob request that runs in well under a second."""
    channel = {
        "S3DataType": "S3Prefix",
        "S3Uri": f"s3://{BUCKET}/open/train/",
        "S3DataDistributionType": "FullyReplicated",
    }
    return {
        "TrainingJobName": unique("job"),
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": role,
        "InputDataConfig": [
            {"ChannelName": "train", "DataSource": {"S3DataSource": channel}, "ContentType": "application/x-image"}
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/open/results"},
        "ResourceConfig": {"InstanceType": "ml.g4dn.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    } | changes


def until(check: Any, seconds: float = 30) -> Any:
    """Wait until `check()` is true and return its value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = check()
        if result:
            return result
        time.sleep(0.05)
    raise AssertionError(f"the check was not true within {seconds} s")


def finished(sagemaker: Any, name: str, seconds: float = 20) -> dict[str, Any]:
    """Wait for a training job's end and return its description."""

    def ended() -> Any:
        description = sagemaker.describe_training_job(TrainingJobName=name)
        return description if description["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return dict(until(ended, seconds))


def alive(pid: int) -> bool:
    """Return whether a process runs and is not a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def status(sagemaker: Any, request: dict[str, Any]) -> str:
    """Return the status of the training job of a CreateTrainingJob request."""
    return str(sagemaker.describe_training_job(TrainingJobName=request["TrainingJobName"])["TrainingJobStatus"])


def transform_request(model: str, prefix: str, **changes: Any) -> dict[str, Any]:
    """Return a CreateTransformJob request over open/<prefix>; its output goes below open/out/<job>."""
    name = unique("transform")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/open/{prefix}"}}
    return {
        "TransformJobName": name,
        "ModelName": model,
        "TransformInput": {"DataSource": source, "ContentType": "application/x-image"},
        "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/open/out/{name}", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    } | changes


def put_model(cloud: Cloud, version: str = "1") -> str:
    """Upload an artifact of the toy algorithm and return its URI."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        content = json.dumps({"version": version}).encode()
        entry = tarfile.TarInfo("weights.json")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    key = f"open/models/{version}/model.tar.gz"
    cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=packed.getvalue())
    return f"s3://{BUCKET}/{key}"


def make_model(cloud: Cloud, version: str = "1", environment: dict[str, str] | None = None) -> str:
    """Create a model and return its name."""
    name = unique("model")
    container = {"Image": IMAGE, "ModelDataUrl": put_model(cloud, version), "Environment": environment or {}}
    cloud.client("sagemaker").create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=cloud.role)
    return name


def make_config(cloud: Cloud, *models: str, serverless: bool = False) -> str:
    """Create an endpoint config with a variant for each model and return its name."""
    name = unique("config")
    size: dict[str, Any] = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1, "InitialVariantWeight": 1.0}
    if serverless:
        size = {"ServerlessConfig": {"MemorySizeInMB": 3072, "MaxConcurrency": 5}}
    variants = [{"VariantName": f"v{number}", "ModelName": model} | size for number, model in enumerate(models)]
    cloud.client("sagemaker").create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    return name


def make_endpoint(cloud: Cloud, config: str, seconds: float = 30) -> str:
    """Create an endpoint, wait until it is in service, and return its name."""
    sagemaker, name = cloud.client("sagemaker"), unique("endpoint")
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    until(lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService", seconds)
    return name


def scale(cloud: Cloud, endpoint: str) -> None:
    """Deploy a stack that registers an endpoint's variant as a scalable target."""
    target = {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ResourceId": f"endpoint/{endpoint}/variant/v0",
        "MinCapacity": 1,
        "MaxCapacity": 4,
    }
    resource = {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": target}
    stacks, name = cloud.client("cloudformation"), unique("scaling")
    stacks.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Instances": resource}}))
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=OFTEN)


def refused(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


PYTHON_IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.6.0-cpu-py312"


def processing_request(
    cloud: Cloud, script: str, *arguments: str, instances: int = 1, **changes: Any
) -> dict[str, Any]:
    """Return a CreateProcessingJob request that runs a Python script; its output goes below open/<job>/."""
    name = unique("processing")
    cloud.client("s3").put_object(Bucket=BUCKET, Key=f"open/{name}/code/script.py", Body=script.encode())
    return {
        "ProcessingJobName": name,
        "AppSpecification": {
            "ImageUri": PYTHON_IMAGE,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/script.py"],
            "ContainerArguments": list(arguments) or ["/opt/ml"],
        },
        "RoleArn": cloud.role,
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": instances, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
        "ProcessingInputs": [processing_input("code", f"open/{name}/code/")],
        "ProcessingOutputConfig": {"Outputs": [processing_output(f"open/{name}/out")]},
    } | changes


def processing_input(name: str, prefix: str, **changes: str) -> dict[str, Any]:
    """Return a ProcessingInput of a prefix at /opt/ml/processing/<name>."""
    location = {
        "S3Uri": f"s3://{BUCKET}/{prefix}",
        "LocalPath": f"/opt/ml/processing/{name}",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"InputName": name, "S3Input": location | changes}


def processing_output(prefix: str, mode: str = "EndOfJob") -> dict[str, Any]:
    """Return a ProcessingOutput of /opt/ml/processing/out."""
    location = {"S3Uri": f"s3://{BUCKET}/{prefix}", "LocalPath": "/opt/ml/processing/out", "S3UploadMode": mode}
    return {"OutputName": "out", "S3Output": location}
