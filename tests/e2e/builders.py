"""A copy of the project, the local cloud that it deploys to, and how to run its commands there."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from demo.commands import stop
from demo.predict import Api, stack_outputs
from demo.services import start_localaws
from localaws.environment import client_environment

ROOT = Path(__file__).resolve().parents[2]
STAGE = "demo"
PACKAGES = ["demo", "infra", "lambda", "localaws", "ml", "network", "radiograph"]
SOURCES = ["app.py", "cdk.json", "requirements.txt", *PACKAGES]


@dataclass(frozen=True)
class Cloud:
    """A local cloud: the copy of the project that is deployed in it, and how to speak to it."""

    project: Path
    env: Mapping[str, str]
    session: boto3.Session

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run one of the project's commands in the copy and return what it printed."""
        return subprocess.run(
            command, cwd=self.project, env=dict(self.env), capture_output=True, text=True, check=False, timeout=300
        )

    @property
    def data_bucket(self) -> str:
        """The bucket of the stage's data sets and models."""
        return stack_outputs(self.session, f"Pneumonia-{STAGE}-Storage")["DataBucketName"]

    def images(self, name: str) -> list[bytes]:
        """Return the held-out images of one class as the transform job saw them."""
        s3, bucket = self.session.client("s3"), self.data_bucket
        latest = json.loads(s3.get_object(Bucket=bucket, Key="datasets/latest.json")["Body"].read())
        prefix = f"datasets/{latest['name']}/{latest['version']}/test/{name}/"
        found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
        return [s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in found[:12]]


@dataclass(frozen=True)
class Demo(Cloud):
    """The local cloud in which the demo has run: its API, and what the demo printed."""

    api: Api
    output: str


@contextmanager
def started(project: Path, port: int) -> Iterator[Cloud]:
    """Start localaws with the state in the copy; boto3 of this process speaks to it too."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in client_environment(port).items():
            patch.setenv(name, value)
        patch.delenv("AWS_PROFILE", raising=False)
        server = start_localaws(project, port, project / ".localaws")
        try:
            yield Cloud(project, environment(port), boto3.Session())
        finally:
            stop(server)


def copy_of_the_project(target: Path) -> Path:
    """Copy what the commands need, so that nothing here writes into the checkout."""
    target.mkdir(parents=True)
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target / name)
    (ROOT / ".cache").mkdir(exist_ok=True)
    for name in (".cache", "node_modules"):
        (target / name).symlink_to(ROOT / name)
    return target


def environment(port: int) -> dict[str, str]:
    """Return this process's environment pointed at the local cloud, with the project's own tools first on PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]])
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return inherited | client_environment(port) | {"PATH": path}
