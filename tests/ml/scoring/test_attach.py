"""A job that a command no longer follows goes on: it can be attached to or stopped, by its name."""

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from localaws.environment import client_environment
from ml import project as files
from ml import transform
from ml.errors import UserError
from ml.scoring import labelled, transform_job
from tests.localaws.sagemaker.builders import ROOT, Cloud, until

from ..conftest import STAGE
from .builders import (
    BUCKET,
    DATASET,
    IMAGES,
    PREFIX,
    entry,
    jobs,
    manifest,
    models_left,
    score,
    scorer_of_context,
    stored,
)


def test_ctrl_c_leaves_the_job_running_and_attach_goes_on_with_it(
    cloud: Cloud, model: str, gate: Path, project: Path
) -> None:
    command = [sys.executable, "-c", "import sys; from ml import transform; sys.exit(transform.main(['--yes']))"]
    environment = client_environment(cloud.port) | {"PYTHONPATH": str(ROOT), "PATH": ""}
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=project, env=environment, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout is not None
    assert any("--attach" in line for line in iter(process.stdout.readline, ""))
    until(lambda: any(transform_job.output_keys(job["TransformOutput"]["S3OutputPath"]) for job in jobs(cloud, model)))
    process.send_signal(signal.SIGINT)
    _, sentence = process.communicate(timeout=30)
    (job,) = jobs(cloud, model)
    assert (process.returncode, job["TransformJobStatus"]) == (1, "InProgress")
    name = job["TransformJobName"]
    assert name in sentence
    assert "billed" in sentence
    for option in ("--attach", "--stop"):
        assert f"python -m ml.transform --stage {STAGE} {option} {name}" in sentence
    assert [job["ModelName"] for job in models_left(cloud)] == [name]
    gate.touch()
    assert transform.main(["--yes", "--attach", name]) == 0
    assert len(jobs(cloud, model)) == 1
    assert json.loads(stored(cloud, model, "metrics.json"))["missing"] == {}
    assert models_left(cloud) == []


def test_attach_to_a_stopped_job_sends_only_the_images_without_an_output(
    cloud: Cloud, model: str, gate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    using = scorer_of_context()
    names, name = [image["file"] for image in DATASET["images"]], using.new_job()
    target = labelled.new_output(name, using, DATASET)
    labelled.send(using, name, f"s3://{BUCKET}/{PREFIX}", names, target)
    until(lambda: len(transform_job.output_keys(target)) >= IMAGES // 2)
    assert transform.main(["--stop", name]) == 0
    sagemaker = cloud.client("sagemaker")
    until(lambda: sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"] == "Stopped")
    assert transform.main(["--stop", name]) == 0
    assert f"{name} had ended before: Stopped" in capsys.readouterr().out
    scored = {
        key.removeprefix(f"{target}/".removeprefix(f"s3://{BUCKET}/")).removesuffix(".out")
        for key in transform_job.output_keys(target)
    }
    gate.touch()
    scores, missing = score(attached=name)
    assert (len(scores), missing) == (IMAGES, {})
    second = jobs(cloud, model)[1]
    assert manifest(cloud, second) == [file for file in names if file not in scored]
    assert score(attached=second["TransformJobName"]) == (scores, missing)
    assert len(jobs(cloud, model)) == 2


def test_a_job_that_was_stopped_is_not_started_again_unasked(cloud: Cloud, model: str, gate: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        scoring = pool.submit(score)
        until(
            lambda: any(transform_job.output_keys(job["TransformOutput"]["S3OutputPath"]) for job in jobs(cloud, model))
        )
        (job,) = jobs(cloud, model)
        transform_job.stop(job["TransformJobName"])
        with pytest.raises(UserError, match=rf"of {IMAGES} images: Stopped.*--attach {job['TransformJobName']}"):
            scoring.result(60)
    assert len(jobs(cloud, model)) == 1


def sign_in(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, name: str, statements: list[dict[str, Any]]) -> None:
    """Go on as a new user who may do what the statements say."""
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Statement": statements}))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])


def test_credentials_that_end_while_a_job_runs_leave_it_running_and_say_how_to_attach(
    cloud: Cloud, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = [
        {"Effect": "Allow", "Action": ["s3:*", "cloudformation:*", "iam:PassRole"], "Resource": "*"},
        {
            "Effect": "Allow",
            "Action": ["sagemaker:CreateModel", "sagemaker:CreateTransformJob", "sagemaker:AddTags"],
            "Resource": "*",
        },
    ]
    sign_in(cloud, monkeypatch, "short", allowed)
    with pytest.raises(UserError, match="AWS refused DescribeTransformJob") as caught:
        score()
    (job,) = jobs(cloud, model)
    assert "billed" in str(caught.value)
    assert f"--attach {job['TransformJobName']}" in str(caught.value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", client_environment(cloud.port)["AWS_ACCESS_KEY_ID"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", client_environment(cloud.port)["AWS_SECRET_ACCESS_KEY"])
    assert len(score(attached=job["TransformJobName"])[0]) == IMAGES
    assert models_left(cloud) == []


def test_a_job_that_ended_but_whose_outputs_cannot_be_read_is_not_called_billed(
    cloud: Cloud, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = f"arn:aws:s3:::{BUCKET}/transform/*"
    refused = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": outputs}
    sign_in(cloud, monkeypatch, "writer", [{"Effect": "Allow", "Action": "*", "Resource": "*"}, refused])
    with pytest.raises(UserError, match="AWS refused GetObject") as caught:
        score()
    (job,) = jobs(cloud, model)
    assert f"{job['TransformJobName']} has ended" in str(caught.value)
    assert f"--stage {STAGE} --attach {job['TransformJobName']}" in str(caught.value)
    assert "is billed" not in str(caught.value)


def test_a_job_that_does_not_exist_is_not_attached_to(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert transform.main(["--yes", "--attach", "no-such-job"]) == 2
    assert "There is no transform job no-such-job" in capsys.readouterr().err


def test_a_job_of_another_model_is_not_attached_to(
    cloud: Cloud, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    score()
    (job,) = jobs(cloud, model)
    other = entry() | {"training_job": "another"}
    files.write_model(STAGE, other)
    assert transform.main(["--yes", "--attach", job["TransformJobName"]]) == 2
    sentence = capsys.readouterr().err
    assert job["TransformOutput"]["S3OutputPath"] in sentence
    assert f"s3://{BUCKET}/transform/another/" in sentence
