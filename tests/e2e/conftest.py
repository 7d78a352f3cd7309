"""One run of the demo in a copy of the project, then the same local cloud, restarted, for every test."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from demo.commands import stop
from demo.predict import Api, deployed_api, stack_outputs
from demo.services import start_localaws
from localaws.environment import client_environment
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
STAGE = "demo"
PACKAGES = ["demo", "infra", "lambda", "localaws", "ml", "network", "radiograph"]
SOURCES = ["app.py", "cdk.json", "requirements.txt", *PACKAGES]


@dataclass(frozen=True)
class Cloud:
    """A local cloud in which the demo has run: where it is, how to speak to it, and what the demo printed."""

    project: Path
    env: Mapping[str, str]
    session: boto3.Session
    demo_output: str
    api: Api
    data_bucket: str

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run one of the project's commands in the copy and return what it printed."""
        return subprocess.run(
            command, cwd=self.project, env=dict(self.env), capture_output=True, text=True, check=False, timeout=300
        )

    def images(self, name: str) -> list[bytes]:
        """Return the held-out images of one class as the transform job saw them."""
        s3 = self.session.client("s3")
        latest = json.loads(s3.get_object(Bucket=self.data_bucket, Key="datasets/latest.json")["Body"].read())
        prefix = f"datasets/{latest['name']}/{latest['version']}/test/{name}/"
        found = s3.list_objects_v2(Bucket=self.data_bucket, Prefix=prefix)["Contents"]
        return [s3.get_object(Bucket=self.data_bucket, Key=item["Key"])["Body"].read() for item in found[:12]]


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    project = copy_of_the_project(tmp_path_factory.mktemp("e2e") / "project")
    port = free_port()
    env = environment(port)
    state = project / ".localaws"
    demo = [sys.executable, "-m", "demo", "--once", "--port", str(port), "--state-dir", str(state)]
    code, output = run_to_the_end(demo, project, env)
    assert code == 0, output
    with pytest.MonkeyPatch.context() as patch:
        for name, value in client_environment(port).items():
            patch.setenv(name, value)
        patch.delenv("AWS_PROFILE", raising=False)
        server = start_localaws(project, port, state)
        session = boto3.Session()
        try:
            bucket = stack_outputs(session, f"Pneumonia-{STAGE}-Storage")["DataBucketName"]
            yield Cloud(project, env, session, output, deployed_api(session, STAGE), bucket)
        finally:
            stop(server)


def run_to_the_end(command: list[str], folder: Path, env: Mapping[str, str]) -> tuple[int, str]:
    """Run a command; return its exit code and what it printed. One that takes too long is asked to end, as by Ctrl-C,
    so that it ends what it has started."""
    process = subprocess.Popen(
        command, cwd=folder, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        output, _ = process.communicate(timeout=1800)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    return process.returncode, output


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
