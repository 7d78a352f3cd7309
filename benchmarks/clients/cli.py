"""The AWS CLI: upload, train, transform, deploy, invoke and delete."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import steps
from steps import step

ROLE, IMAGES = sys.argv[1], Path(sys.argv[2])
BUCKET = "sagemaker-cli"
CONTAINER = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"
STATUS = "TrainingJobStatus"


def aws(*arguments: str, **members: object) -> str:
    """Run the CLI, with `members` as JSON options such as --input-data-config, and return its output.

    Raises:
        RuntimeError: the CLI failed; the message is what it printed.
    """
    options = [part for name, value in members.items() for part in (f"--{name.replace('_', '-')}", json.dumps(value))]
    done = subprocess.run(["aws", *arguments, *options], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def channel(name: str) -> dict[str, object]:
    """Return a member of InputDataConfig."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/images/{name}/"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "ContentType": "application/x-image"}


def train() -> str:
    """Train and return the artifact's URI."""
    with step("s3 mb, s3 sync"):
        aws("s3", "mb", f"s3://{BUCKET}")
        aws("s3", "sync", str(IMAGES), f"s3://{BUCKET}/images")
    with step("sagemaker create-training-job, wait training-job-completed-or-stopped"):
        aws(
            "sagemaker", "create-training-job", "--training-job-name", "cli", "--role-arn", ROLE,
            algorithm_specification={"TrainingImage": CONTAINER, "TrainingInputMode": "File"},
            input_data_config=[channel(name) for name in steps.CHANNELS],
            output_data_config={"S3OutputPath": f"s3://{BUCKET}/output"},
            resource_config={"InstanceType": steps.TRAINING_INSTANCE, "InstanceCount": 1, "VolumeSizeInGB": 10},
            stopping_condition={"MaxRuntimeInSeconds": 3600},
            hyper_parameters={name: str(value) for name, value in steps.HYPERPARAMETERS.items()},
        )  # fmt: skip
        aws("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", "cli")
    with step("sagemaker describe-training-job, list-training-jobs"):
        job = json.loads(aws("sagemaker", "describe-training-job", "--training-job-name", "cli"))
        steps.check(job[STATUS] == "Completed", f"{job[STATUS]}: {job.get('FailureReason')}")
        steps.check("cli" in aws("sagemaker", "list-training-jobs", "--name-contains", "cli"), "not in the list")
    with step("logs filter-log-events"):
        group = "/aws/sagemaker/TrainingJobs"
        lines = aws("logs", "filter-log-events", "--log-group-name", group, "--log-stream-name-prefix", "cli/")
        steps.check("Train-accuracy" in lines, "no line with the training accuracy")
    return str(job["ModelArtifacts"]["S3ModelArtifacts"])


def transform(folder: Path) -> None:
    """Score the test images and download the scores."""
    with step("sagemaker create-transform-job, wait transform-job-completed-or-stopped"):
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/images/test/"}
        aws(
            "sagemaker", "create-transform-job", "--transform-job-name", "cli", "--model-name", "cli",
            transform_input={"DataSource": {"S3DataSource": source}, "ContentType": "application/x-image"},
            transform_output={"S3OutputPath": f"s3://{BUCKET}/transformed"},
            transform_resources={"InstanceType": steps.HOSTING_INSTANCE, "InstanceCount": 1},
        )  # fmt: skip
        aws("sagemaker", "wait", "transform-job-completed-or-stopped", "--transform-job-name", "cli")
    with step("s3 cp --recursive"):
        aws("s3", "cp", "--recursive", f"s3://{BUCKET}/transformed", str(folder))
        scores = len(list(folder.rglob("*.out")))
        steps.check(scores == len(list((IMAGES / "test").rglob("*.jpeg"))), f"{scores} outputs")


def deploy(folder: Path) -> None:
    """Create an endpoint, ask it about an image and delete everything."""
    variant = {"VariantName": "all", "ModelName": "cli", "InstanceType": steps.HOSTING_INSTANCE}
    with step("sagemaker create-endpoint-config, create-endpoint, wait endpoint-in-service"):
        aws(
            "sagemaker", "create-endpoint-config", "--endpoint-config-name", "cli",
            production_variants=[variant | {"InitialInstanceCount": 1}],
        )  # fmt: skip
        aws("sagemaker", "create-endpoint", "--endpoint-name", "cli", "--endpoint-config-name", "cli")
        aws("sagemaker", "wait", "endpoint-in-service", "--endpoint-name", "cli")
    with step("sagemaker-runtime invoke-endpoint"):
        image = next((IMAGES / "test" / "PNEUMONIA").iterdir())
        answer = folder / "answer.json"
        aws(
            "sagemaker-runtime", "invoke-endpoint", "--endpoint-name", "cli",
            "--content-type", "application/x-image", "--body", f"fileb://{image}", str(answer),
        )  # fmt: skip
        scores = json.loads(answer.read_text())
        steps.check(len(scores) == 2 and abs(sum(scores) - 1) < 1e-4, f"received {scores}")
    with step("sagemaker delete-endpoint, wait endpoint-deleted, delete-endpoint-config, delete-model"):
        aws("sagemaker", "delete-endpoint", "--endpoint-name", "cli")
        aws("sagemaker", "wait", "endpoint-deleted", "--endpoint-name", "cli")
        aws("sagemaker", "delete-endpoint-config", "--endpoint-config-name", "cli")
        aws("sagemaker", "delete-model", "--model-name", "cli")


def flow() -> None:
    """Run every command."""
    artifact = train()
    with step("sagemaker create-model"):
        container = {"Image": CONTAINER, "ModelDataUrl": artifact}
        aws(
            "sagemaker", "create-model", "--model-name", "cli", "--execution-role-arn", ROLE,
            primary_container=container,
        )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        transform(Path(folder))
        deploy(Path(folder))


steps.run(flow)
