"""The lease's schedule with `cdk deploy`, `cdk diff` and `cdk destroy`, on localaws."""

import datetime as dt
import os
import subprocess
from pathlib import Path

import aws_cdk as cdk

from infra import lease_schedule, resolution
from localaws.environment import client_environment
from tests.localaws.server.builders import ROOT, Server

from .builders import context

STAGE = "leased"


class Project:
    """A folder with the templates of an app with the schedule alone, which needs no model, asset or bootstrap."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    def synthesise(self, ends: dt.datetime) -> None:
        """Write the templates for a lease in context."""
        app = cdk.App(
            outdir=str(self.folder / "cdk.out"), analytics_reporting=False,
            context=context(stage=STAGE, **{f"lease:{STAGE}": {"ends": f"{ends:%Y-%m-%dT%H:%M:%S}", "number": 1}}),
        )  # fmt: skip
        given = app.node.get_all_context()
        settings = resolution.read(given)
        synthesizer, region = cdk.BootstraplessSynthesizer(), cdk.Environment(region="us-east-1")
        stack = cdk.Stack(app, "Lease", synthesizer=synthesizer, env=region)
        lease = lease_schedule.read(given, settings, dt.datetime.now(dt.UTC))
        lease_schedule.add_schedule(stack, lease, settings)
        app.synth()

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the CDK on the templates."""
        path = os.pathsep.join([str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]])
        return subprocess.run(
            ["cdk", *command.split(), "--app", "cdk.out"],
            cwd=self.folder, env=os.environ | client_environment(self.port) | {"PATH": path},
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip

    def deploy(self, ends: dt.datetime) -> subprocess.CompletedProcess[str]:
        """Deploy with a lease in context."""
        self.synthesise(ends)
        return self.run("deploy --require-approval never")


def test_a_deployment_moves_no_lease_that_was_extended_and_refuses_one_that_is_over(
    server: Server, tmp_path: Path
) -> None:
    project, scheduler = Project(tmp_path, server.port), server.client("scheduler")
    name, now = f"pneumonia-{STAGE}-lease", dt.datetime.now(dt.UTC)
    first, extended, later, over = (now + dt.timedelta(hours=hours) for hours in (1, 8, 3, -1))

    def expression() -> str:
        return str(scheduler.get_schedule(Name=name)["ScheduleExpression"])

    deployment = project.deploy(first)
    assert deployment.returncode == 0, deployment.stderr
    assert expression() == f"at({first:%Y-%m-%dT%H:%M:%S})"

    schedule = scheduler.get_schedule(Name=name)
    scheduler.update_schedule(
        Name=schedule["Name"], FlexibleTimeWindow=schedule["FlexibleTimeWindow"], Target=schedule["Target"],
        ScheduleExpression=f"at({extended:%Y-%m-%dT%H:%M:%S})",
    )  # fmt: skip
    for ends, code in ((later, 0), (over, 1)):
        deployment = project.deploy(ends)
        assert deployment.returncode == code, deployment.stderr
        assert expression() == f"at({extended:%Y-%m-%dT%H:%M:%S})"
    assert "LeaseIsOver" in deployment.stderr

    # cdk.out has the templates of the refused deployment.
    diff = project.run("diff")
    assert (diff.returncode, "LeaseIsOver" in diff.stdout + diff.stderr) == (0, True), diff.stderr
    destruction = project.run("destroy --force")
    assert destruction.returncode == 0, destruction.stderr
    assert name not in [listed["Name"] for listed in scheduler.list_schedules()["Schedules"]]
