"""The lease's schedule with `cdk deploy`, `cdk diff` and `cdk destroy`, on localaws."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.environment import client_environment
from tests.localaws.server.builders import ROOT, Server
from tests.ports import free_port

APP = """
import datetime as dt
import aws_cdk as cdk
from infra import lease_schedule, resolution
app = cdk.App()
context = app.node.get_all_context()
settings = resolution.read(context)
stack = cdk.Stack(app, "Lease", synthesizer=cdk.BootstraplessSynthesizer(), env=cdk.Environment(region="us-east-1"))
lease_schedule.add_schedule(stack, lease_schedule.read(context, settings, dt.datetime.now(dt.UTC)), settings)
app.synth()
"""
"""An app with the schedule alone, which needs no model, asset or bootstrap."""


class Project:
    """A folder with that app."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        (folder / "mini.py").write_text(APP)

    def run(self, command: str, ends: dt.datetime) -> subprocess.CompletedProcess[str]:
        """Run a command of the CDK with a lease in context."""
        context = json.loads((ROOT / "cdk.json").read_text())["context"]
        context["lease:dev"] = {"ends": f"{ends:%Y-%m-%dT%H:%M:%S}", "number": 1}
        (self.folder / "cdk.json").write_text(json.dumps({"app": f"{sys.executable} mini.py", "context": context}))
        path = os.pathsep.join([str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]])
        environment = os.environ | client_environment(self.port) | {"PATH": path, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            ["cdk", *command.split()],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "state", free_port())
    running.start()
    yield running
    running.end(signal.SIGTERM)


def test_a_deployment_moves_no_lease_that_was_extended_and_refuses_one_that_is_over(
    server: Server, tmp_path: Path
) -> None:
    project, scheduler = Project(tmp_path, server.port), server.client("scheduler")
    now = dt.datetime.now(dt.UTC)
    first, extended, later, over = (now + dt.timedelta(hours=hours) for hours in (1, 8, 3, -1))

    def expression() -> str:
        return str(scheduler.get_schedule(Name="pneumonia-dev-lease")["ScheduleExpression"])

    deployment = project.run("deploy --require-approval never", first)
    assert deployment.returncode == 0, deployment.stderr
    assert expression() == f"at({first:%Y-%m-%dT%H:%M:%S})"

    schedule = scheduler.get_schedule(Name="pneumonia-dev-lease")
    scheduler.update_schedule(
        Name=schedule["Name"], FlexibleTimeWindow=schedule["FlexibleTimeWindow"], Target=schedule["Target"],
        ScheduleExpression=f"at({extended:%Y-%m-%dT%H:%M:%S})",
    )  # fmt: skip
    for ends, code in ((later, 0), (over, 1)):
        deployment = project.run("deploy --require-approval never", ends)
        assert deployment.returncode == code, deployment.stderr
        assert expression() == f"at({extended:%Y-%m-%dT%H:%M:%S})"
    assert "LeaseIsOver" in deployment.stderr

    # The refused deployment left its templates in cdk.out.
    diff = project.run("diff --app cdk.out", over)
    assert (diff.returncode, "LeaseIsOver" in diff.stdout + diff.stderr) == (0, True), diff.stderr
    destruction = project.run("destroy --force --app cdk.out", over)
    assert destruction.returncode == 0, destruction.stderr
    assert scheduler.list_schedules()["Schedules"] == []
