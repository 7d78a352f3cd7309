"""One run of the demo in a copy of the project, then the same local cloud, restarted, for every test."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from demo.predict import deployed_api
from tests.ports import free_port

from ..builders import STAGE, Demo, copy_of_the_project, environment, started


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    project = copy_of_the_project(tmp_path_factory.mktemp("e2e") / "project")
    port = free_port()
    state = project / ".localaws"
    demo = [sys.executable, "-m", "demo", "--once", "--port", str(port), "--state-dir", str(state)]
    code, output = run_to_the_end(demo, project, environment(port))
    assert code == 0, output
    with started(project, port) as cloud:
        yield Demo(cloud.project, cloud.env, cloud.session, deployed_api(cloud.session, STAGE), output)


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
