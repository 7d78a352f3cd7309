"""A localaws with the storage stack, a data set and the toy container; a trained model in context."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.environment import client_environment
from ml.algorithms import BUILT_IN
from ml.aws import image_uris
from tests.localaws.sagemaker.builders import Cloud, make_role

from ..conftest import STAGE
from .builders import BUCKET, DATASET, GRANTS, PREFIX, body, put, weights


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A localaws with the storage stack, a trained model, and a data set."""
    running = Cloud(tmp_path_factory.mktemp("transform") / "state", toy="image-classification")
    running.start()
    try:
        role = make_role(running.client("iam"), "execution", "sagemaker.amazonaws.com", {"Statement": GRANTS})
        template = {
            "Resources": {"Data": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": BUCKET}}},
            "Outputs": {"DataBucketName": {"Value": {"Ref": "Data"}}, "ExecutionRoleArn": {"Value": role}},
        }
        cloudformation, stack = running.client("cloudformation"), f"Pneumonia-{STAGE}-Storage"
        cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
        cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
        baseline = {image["file"]: 0.5 for image in DATASET["images"]}
        put(running, f"{PREFIX}dataset.json", json.dumps(DATASET).encode())
        put(running, f"{PREFIX}baseline.json", json.dumps({"scores": baseline}).encode())
        for image in DATASET["images"]:
            put(running, PREFIX + image["file"], body(image))
        yield running
    finally:
        running.end(signal.SIGTERM)


@pytest.fixture
def model(cloud: Cloud, project: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A trained model of this test's own in context, not yet evaluated; the environment points at the account."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in client_environment(cloud.port).items():
        monkeypatch.setenv(name, value)
    job = f"train-{abs(hash(request.node.name)):x}"
    run = {
        "training_job": job,
        "algorithm": BUILT_IN,
        **image_uris.inference_container(BUILT_IN, "us-east-1"),
        "artifact": f"s3://{BUCKET}/training/{job}/output/model.tar.gz",
        "classes": DATASET["classes"],
        "dataset": "images/v1",
        "resize_mode": "squash",
        "ended": "2026-01-01T00:00:00+00:00",
    }
    put(cloud, f"training/{job}/run.json", json.dumps(run).encode())
    put(cloud, f"training/{job}/output/model.tar.gz", weights())
    known = run | {"threshold": 0.5, "calibration": {"slope": 1.0, "intercept": 0.0}, "gate": "not evaluated"}
    (project / "cdk.context.json").write_text(json.dumps({f"model:{STAGE}": known}))
    return job


@pytest.fixture
def broken(cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Images of the test split, `request.param` many, that the container refuses."""
    chosen = [image for image in DATASET["images"] if image["file"].startswith("test/")][: request.param]
    for image in chosen:
        put(cloud, PREFIX + image["file"], b"bad image")
    yield [image["file"] for image in chosen]
    for image in chosen:
        put(cloud, PREFIX + image["file"], body(image))


@pytest.fixture
def gate(cloud: Cloud, tmp_path: Path) -> Iterator[Path]:
    """The last 9 images of the test split are answered once the returned file exists."""
    chosen, path = DATASET["images"][-9:], tmp_path / "gate"
    for image in chosen:
        put(cloud, PREFIX + image["file"], f"after {path} ".encode() + body(image))
    yield path
    path.touch()
    for image in chosen:
        put(cloud, PREFIX + image["file"], body(image))
