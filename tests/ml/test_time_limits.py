"""What ml.train and ml.tune refuse before a job is created, on a localaws with a prepared data set."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from ml import train, tune

from .scripted import RefusalError, scripted_aws

DATASET = {
    "name": "phantom",
    "version": "0123",
    "training_samples": 18264,
    "counts": {"validation": {"NORMAL": 300, "PNEUMONIA": 340}},
    "classes": ["NORMAL", "PNEUMONIA"],
    "settings": {"format": "lst", "resize_mode": "squash"},
}


@pytest.fixture
def prepared(aws: None, project: Path) -> None:
    """A data set of 18,264 lines: an epoch is estimated at 283 s."""
    bucket = boto3.Session().resource("s3").Bucket("images")
    bucket.put_object(Key="datasets/phantom/0123/dataset.json", Body=json.dumps(DATASET).encode())
    bucket.put_object(Key="datasets/latest.json", Body=json.dumps(DATASET).encode())


@pytest.mark.parametrize("command", [train, tune])
def test_a_job_that_would_not_end_in_time_is_not_created(
    prepared: None, capsys: pytest.CaptureFixture[str], command: Any
) -> None:
    assert command.main(["--epochs", "100", "--yes"]) == 2
    error = capsys.readouterr().err
    assert "28498 s" in error
    assert "--max-runtime 14400" in error
    assert "--max-runtime 37048" in error
    assert command.main(["--epochs", "100", "--max-runtime", "37047", "--yes"]) == 2
    assert "--max-runtime 37047" in capsys.readouterr().err
    sagemaker = boto3.client("sagemaker")
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []
    assert sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []


@pytest.mark.parametrize("command", [train, tune])
def test_the_time_limit_given_is_the_one_that_sagemaker_is_sent(
    prepared: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: Any
) -> None:
    sent: list[dict[str, Any]] = []

    def refuse(request: dict[str, Any]) -> dict[str, Any]:
        sent.append(request.get("TrainingJobDefinition", request)["StoppingCondition"])
        raise RefusalError("ResourceLimitExceeded", "The account-level service limit is 0 Instances.")

    with scripted_aws() as script:
        script.operations |= {"CreateTrainingJob": refuse, "CreateHyperParameterTuningJob": refuse}
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", script.url)
        assert command.main(["--epochs", "100", "--max-runtime", "37048", "--yes"]) == 1
    assert sent == [{"MaxRuntimeInSeconds": 37048, "MaxWaitTimeInSeconds": 51448}]
    assert "Ask for a quota" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        (train, ["--max-wait", "14399"], "--max-wait 14399 must be at least --max-runtime (14400)"),
        (train, ["--max-runtime", "7200", "--max-wait", "7199"], "--max-wait 7199 must be at least --max-runtime"),
        (tune, ["--instance-type", "ml.g6.xlarge"], "ml.g6.xlarge cannot run"),
        (tune, ["--algorithm", "pytorch"], "give --algorithm image-classification"),
        (train, ["--algorithm", "pytorch", "--instance-type", "ml.g4dn.xlarge"], "cannot run the algorithm pytorch"),
    ],
)
def test_options_out_of_range_are_refused_before_aws_is_asked(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: Any,
    options: list[str],
    message: str,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert command.main(options) == 2
    assert message in capsys.readouterr().err


def test_the_code_is_uploaded_when_the_job_is_created_and_not_before(
    prepared: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sent: list[dict[str, Any]] = []

    def refuse(request: dict[str, Any]) -> dict[str, Any]:
        sent.append(request)
        raise RefusalError("ResourceLimitExceeded", "The account-level service limit is 0 Instances.")

    def stored() -> set[str]:
        objects = boto3.Session().resource("s3").Bucket("images").objects.filter(Prefix="code/")
        return {f"s3://images/{item.key}" for item in objects}

    assert train.main(["--algorithm", "pytorch", "--dry-run"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert stored() == set()
    with scripted_aws() as script:
        script.operations["CreateTrainingJob"] = refuse
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", script.url)
        assert train.main(["--algorithm", "pytorch", "--yes"]) == 1
    (request,) = sent
    job = {"TrainingJobName", "HyperParameters", "CheckpointConfig"}
    assert {name: request[name] for name in request.keys() - job} == {
        name: planned[name] for name in planned.keys() - job
    }
    assert json.loads(request["HyperParameters"]["sagemaker_submit_directory"]) in stored()
    weights = request["InputDataConfig"][-1]["DataSource"]["S3DataSource"]["S3Uri"]
    assert len([uri for uri in stored() if uri.startswith(weights)]) == 1


def test_the_network_refuses_a_data_set_in_recordio(prepared: None, capsys: pytest.CaptureFixture[str]) -> None:
    changed = DATASET | {"settings": {"format": "recordio", "resize_mode": "squash"}}
    bucket = boto3.Session().resource("s3").Bucket("images")
    bucket.put_object(Key="datasets/phantom/0123/dataset.json", Body=json.dumps(changed).encode())
    assert train.main(["--algorithm", "pytorch", "--yes"]) == 2
    error = capsys.readouterr().err
    assert "phantom/0123 has format recordio" in error
    assert "--format lst" in error
