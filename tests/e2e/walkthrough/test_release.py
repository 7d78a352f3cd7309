"""The commands of deploy.yml pass in a clean clone, with no more rights than the file lists."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.localaws.server.builders import Server
from tests.waiting import OFTEN

from ..builders import ROOT, STAGE, Cloud

WORKFLOW = ROOT / ".github" / "workflows" / "deploy.yml"
RIGHT = re.compile(r"\b[a-z0-9-]+:[A-Z]\w+")
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@dataclass(frozen=True)
class Repository:
    """A repository with the project, in which cdk.context.json is tracked, and the cloud that it deploys to."""

    folder: Path
    cloud: Cloud

    def commit(self, **changes: Any) -> None:
        """Commit the cloud's model and lease, and cdk.json with some settings changed."""
        settings = json.loads((ROOT / "cdk.json").read_text())
        settings["context"]["defaults"] |= changes
        (self.folder / "cdk.json").write_text(json.dumps(settings))
        context = (self.cloud.project / "cdk.context.json").read_bytes()
        (self.folder / "cdk.context.json").write_bytes(context)
        git(self.folder, "add", "--all")
        git(self.folder, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "Change")

    def run(self, job: str, clone: Path, stage: str = STAGE) -> str:
        """Run a job in a new clone, with the rights that the workflow's file lists; return what it printed."""
        git(self.folder, "clone", "--quiet", ".", str(clone))
        for name in (".venv", "node_modules", ".cache"):
            (clone / name).symlink_to(ROOT / name)
        for path in clone.glob("*requirements*"), clone.glob("package*.json"):
            for file in path:
                os.utime(file, (0, 0))  # `make setup` then finds its packages installed
        steps = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"][job]["steps"]
        script = "\n".join(step["run"] for step in steps if "run" in step)
        account = Server(clone, int(self.cloud.env["AWS_ENDPOINT_URL"].rpartition(":")[2]))
        credentials = dict(zip(CREDENTIALS, account.role(clone.name, *listed_rights()), strict=True))
        inputs = {"STAGE": stage, "ACCEPT": "", "HOURS": ""}
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=clone, env={**self.cloud.env, **credentials, **inputs},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
        return done.stdout


def listed_rights() -> list[dict[str, Any]]:
    """Return statements that allow exactly the actions in the comment at the start of the workflow."""
    comment = WORKFLOW.read_text(encoding="utf-8").partition("name: Deploy")[0]
    return [{"Effect": "Allow", "Action": sorted({*RIGHT.findall(comment)}), "Resource": "*"}]


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The tracked files in a new repository that tracks cdk.context.json too."""
    folder = tmp_path_factory.mktemp("release") / "origin"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    ignored = folder / ".gitignore"
    ignored.write_text(ignored.read_text(encoding="utf-8").replace("/cdk.context.json\n", ""))
    git(folder, "init", "--quiet")
    return Repository(folder, cloud)


def endpoints(cloud: Cloud) -> list[str]:
    return [endpoint["EndpointName"] for endpoint in cloud.session.client("sagemaker").list_endpoints()["Endpoints"]]


def test_a_push_after_the_end_of_the_lease_deploys_the_endpoint_anew(
    repository: Repository, cloud: Cloud, tmp_path: Path
) -> None:
    assert cloud.run("python", "-m", "ml.lease", "--stage", STAGE, "end", "--yes").returncode == 0
    repository.commit()
    output = repository.run("deploy", tmp_path / "renewed")
    assert f"Pneumonia-{STAGE}-Storage (no changes)" in output
    assert "GET /health?deep=1 says ok" in output
    assert endpoints(cloud) == [f"pneumonia-{STAGE}-2"]
    schedule = cloud.session.client("scheduler").get_schedule(Name=f"pneumonia-{STAGE}-lease")
    assert schedule["State"] == "ENABLED"


def test_a_change_to_hosting_in_the_function_is_shown_and_deletes_the_endpoint(
    repository: Repository, cloud: Cloud, tmp_path: Path
) -> None:
    repository.commit(hosting="function")
    assert "GRAPH_URI" in repository.run("diff", tmp_path / "shown")
    output = repository.run("deploy", tmp_path / "changed")
    assert "runs the graph" in output
    assert "GET /health?deep=1 says ok" in output
    assert endpoints(cloud) == []


def test_a_push_without_a_model_deploys_the_storage_and_verifies_nothing(
    repository: Repository, cloud: Cloud, tmp_path: Path
) -> None:
    stacks = cloud.session.client("cloudformation")
    repository.commit(manage_api_gateway_log_role=False)  # another stage of the region has the role
    output = repository.run("deploy", tmp_path / "first", stage="dev")
    try:
        assert "not yet  model" in output
        deployed = [stack["StackName"] for stack in stacks.describe_stacks()["Stacks"]]
        assert [name for name in deployed if name.startswith("Pneumonia-dev-")] == ["Pneumonia-dev-Storage"]
    finally:
        stacks.delete_stack(StackName="Pneumonia-dev-Storage")
        stacks.get_waiter("stack_delete_complete").wait(StackName="Pneumonia-dev-Storage", WaiterConfig=OFTEN)
