"""A project folder, and a localaws in which the storage stack is deployed."""

import functools
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from localaws.environment import client_environment
from ml import tune, verify
from ml.processing import jobs
from ml.scoring import transform_job
from ml.training import follow
from radiograph.phantom import draw
from tests.localaws.server.builders import Server
from tests.ports import free_port

from .dataset_builders import empty

STAGE = "test"
ROLE = "arn:aws:iam::123456789012:role/execution"
TEMPLATE = {
    "Resources": {"Data": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "images"}}},
    "Outputs": {"DataBucketName": {"Value": {"Ref": "Data"}}, "ExecutionRoleArn": {"Value": ROLE}},
}


def enter_project(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Make an empty project the working folder."""
    folder.mkdir()
    (folder / "cdk.json").write_text(json.dumps({"context": {"stage": STAGE}}))
    patch.chdir(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def short_pauses() -> Iterator[None]:
    """Let the commands ask for a job's status often: jobs here take seconds, not minutes."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (follow, jobs, transform_job, tune, verify):
            patch.setattr(module, "POLL_SECONDS", 0.1)
        yield


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, as the working folder."""
    return enter_project(tmp_path / "project", monkeypatch)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("ml") / "state", free_port())
    running.start()
    client = running.client("cloudformation")
    client.create_stack(StackName=f"Pneumonia-{STAGE}-Storage", TemplateBody=json.dumps(TEMPLATE))
    client.get_waiter("stack_create_complete").wait(
        StackName=f"Pneumonia-{STAGE}-Storage", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )
    yield running
    running.end(signal.SIGTERM)


def enter_account(server: Server, patch: pytest.MonkeyPatch) -> None:
    """Point the environment at the account, and empty its bucket."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        patch.delenv(name, raising=False)
    for name, value in client_environment(server.port).items():
        patch.setenv(name, value)
    empty()


@pytest.fixture
def aws(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment points at the account, whose bucket is empty."""
    enter_account(server, monkeypatch)


@functools.cache
def small_phantom() -> Image.Image:
    """Return a synthetic radiograph of 90 x 80 pixels."""
    return draw(7, False).resize((90, 80))


def write_image(path: Path, seed: int) -> Path:
    """Write a JPEG of a synthetic radiograph under smooth noise: no two seeds give the same picture."""
    small = np.random.default_rng(seed).integers(0, 256, (12, 12), np.uint8)
    noise = Image.fromarray(small).resize(small_phantom().size, Image.Resampling.BICUBIC)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.blend(small_phantom(), noise, 0.25).save(path, "JPEG", quality=90)
    return path


def write_collection(folder: Path, images: int = 40) -> Path:
    """Write a collection in Kaggle's layout: `images` training images of each class, a few val and test images."""
    for index in range(images):
        write_image(folder / f"train/NORMAL/IM-{index // 2:04d}-{index:04d}.jpeg", index)
        write_image(folder / f"train/PNEUMONIA/person{index // 2}_bacteria_{index}.jpeg", 1000 + index)
    for index in range(4):
        write_image(folder / f"val/NORMAL/NORMAL2-IM-{900 + index:04d}-0001.jpeg", 2000 + index)
        write_image(folder / f"val/PNEUMONIA/person{900 + index}_virus_{index}.jpeg", 3000 + index)
        write_image(folder / f"test/NORMAL/IM-{800 + index:04d}-0001.jpeg", 4000 + index)
        write_image(folder / f"test/PNEUMONIA/person{800 + index}_virus_{index}.jpeg", 5000 + index)
    return folder
