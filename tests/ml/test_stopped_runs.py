"""Stopped, interrupted and unfollowed jobs on a real localaws: what they left is recorded and can be used."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.environment import client_environment
from ml import train
from tests.localaws.sagemaker.builders import (
    BUCKET,
    IMAGE,
    POLICY,
    Cloud,
    finished,
    make_role,
    running_cloud,
    unique,
    until,
)

from .conftest import STAGE

DATASET = "phantom/0123"
STACK = {
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "storage"}}},
    "Outputs": {"DataBucketName": {"Value": BUCKET}},
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A localaws with the toy algorithm, a storage stack and a data set."""
    for cloud in running_cloud(tmp_path_factory.mktemp("stage") / "state"):
        objects = {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
        }
        statements = [*POLICY["Statement"], objects]
        cloud.role = make_role(
            cloud.client("iam"), "stage", "sagemaker.amazonaws.com", POLICY | {"Statement": statements}
        )
        formation = cloud.client("cloudformation")
        formation.create_stack(StackName=f"Pneumonia-{STAGE}-Storage", TemplateBody=json.dumps(STACK))
        dataset = {
            "name": "phantom",
            "version": "0123",
            "classes": ["NORMAL", "PNEUMONIA"],
            "settings": {"resize_mode": "pad"},
        }
        files = {"train/NORMAL/a.jpg": b"a", "dataset.json": json.dumps(dataset).encode()}
        for name, body in files.items():
            cloud.client("s3").put_object(Bucket=BUCKET, Key=f"datasets/{DATASET}/{name}", Body=body)
        yield cloud


@pytest.fixture
def command(stage: Cloud, project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment and the working folder of ml.train."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in client_environment(stage.port).items():
        monkeypatch.setenv(name, value)
    return project / "cdk.context.json"


def start(cloud: Cloud, epochs: int, seconds: float, **changes: Any) -> str:
    """Start a job whose epochs take so many seconds; return its name."""
    name = unique("pneumonia-test")
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/datasets/{DATASET}/train/"}
    cloud.client("sagemaker").create_training_job(
        **{
            "TrainingJobName": name,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "RoleArn": cloud.role,
            "HyperParameters": {"epochs": str(epochs), "seconds": str(seconds)},
            "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/training"},
            "ResourceConfig": {"InstanceType": "ml.g4dn.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        }
        | changes
    )
    return name


def record(cloud: Cloud, job: str) -> dict[str, Any]:
    body = cloud.client("s3").get_object(Bucket=BUCKET, Key=f"training/{job}/run.json")["Body"].read()
    return dict(json.loads(body))


def test_a_job_stopped_by_its_time_limit_is_recorded_and_used_only_when_asked(
    stage: Cloud, command: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command.write_text(json.dumps({f"model:{STAGE}": {"training_job": "before"}}))
    before = command.read_bytes()
    job = start(stage, epochs=50, seconds=0.4, StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert train.main(["--attach", job]) == 1
    error = capsys.readouterr().err
    assert "--max-runtime 1;" in error
    assert f"python -m ml.train --stage {STAGE} --use {job}" in error
    assert command.read_bytes() == before

    run = record(stage, job)
    assert run["status"] == "MaxRuntimeExceeded"
    assert 1 <= len(run["epochs"]) < 50
    assert run["validation_accuracy"] == run["epochs"][-1]["validation_accuracy"]

    assert train.main(["--list"]) == 0
    assert any(job in line and "MaxRuntimeExceeded" in line for line in capsys.readouterr().out.splitlines())
    assert train.main(["--use", job]) == 0
    assert json.loads(command.read_text())[f"model:{STAGE}"]["artifact"] == run["artifact"]


def test_a_stopped_job_is_recorded_as_stopped(stage: Cloud, command: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = start(stage, epochs=50, seconds=0.4)
    sagemaker = stage.client("sagemaker")
    until(lambda: "FinalMetricDataList" in sagemaker.describe_training_job(TrainingJobName=job))
    assert train.main(["--use", job]) == 1
    assert f"--attach {job}" in capsys.readouterr().err
    assert train.main(["--stop", job]) == 0
    assert f"--use {job}" in capsys.readouterr().out
    assert train.main(["--attach", job]) == 1
    assert f"--use {job}" in capsys.readouterr().err
    assert record(stage, job)["status"] == "Stopped"
    assert not command.exists()


def test_a_stopped_job_without_a_model_is_not_recorded(
    stage: Cloud, command: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = {"MaxRuntimeInSeconds": 1}
    parameters = {"epochs": "50", "seconds": "9", "no_model": "1"}
    job = start(stage, epochs=50, seconds=9, StoppingCondition=limits, HyperParameters=parameters)
    for option in ("--attach", "--use"):
        assert train.main([option, job]) == 1
        assert "left no model" in capsys.readouterr().err
    assert not command.exists()


def test_a_completed_job_without_a_model_is_not_described_as_stopped(
    stage: Cloud, command: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = start(stage, epochs=1, seconds=0)
    assert finished(stage.client("sagemaker"), job)["TrainingJobStatus"] == "Completed"
    stage.client("s3").delete_object(Bucket=BUCKET, Key=f"training/{job}/output/model.tar.gz")
    assert train.main(["--use", job]) == 1
    message = capsys.readouterr().err
    assert f"{job} completed, but left no model: s3://{BUCKET}/training/{job}/output/model.tar.gz" in message
    assert "stopped" not in message
    assert not command.exists()


def test_a_completed_job_that_nobody_followed_can_be_used(
    stage: Cloud, command: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = start(stage, epochs=3, seconds=0)
    assert finished(stage.client("sagemaker"), job)["TrainingJobStatus"] == "Completed"
    assert train.main(["--use", job]) == 0
    run = record(stage, job)
    assert (run["status"], len(run["epochs"]), run["validation_accuracy"]) == ("Completed", 3, 0.7)
    assert json.loads(command.read_text())[f"model:{STAGE}"]["training_job"] == job


def test_a_job_of_another_bucket_is_not_taken(stage: Cloud, command: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = start(stage, epochs=1, seconds=0, OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/open"})
    finished(stage.client("sagemaker"), job)
    assert train.main(["--use", job]) == 2
    assert f"s3://{BUCKET}/open/{job}" in capsys.readouterr().err
    assert not command.exists()


def test_both_attempts_of_an_interrupted_spot_job_are_shown_and_recorded(
    stage: Cloud, command: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = start(
        stage,
        epochs=4,
        seconds=0.5,
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
        CheckpointConfig={"S3Uri": f"s3://{BUCKET}/checkpoints/{unique('job')}"},
    )
    assert train.main(["--attach", job]) == 0
    shown = capsys.readouterr().out
    statuses = [line.removeprefix("status: ") for line in shown.splitlines() if line.startswith("status: ")]
    attempt = ["Starting", "Downloading", "Training"]
    assert statuses == [*attempt, "Interrupted", *attempt, "Uploading"]
    assert [line[:9] for line in shown.splitlines() if line.startswith("epoch ")] == [
        f"epoch {number}/4" for number in (1, 2, 3, 4)
    ]
    run = record(stage, job)
    assert [epoch["number"] for epoch in run["epochs"]] == [0, 1, 2, 3]
    assert run["validation_accuracy"] == 0.8
