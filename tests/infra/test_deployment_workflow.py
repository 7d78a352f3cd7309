"""The commands of deploy.yml pass on localaws, in a clean clone, with no more rights than the file lists."""

import datetime as dt
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from localaws.environment import client_environment
from localaws.image_classification import train
from tests.lambda_ import graphs
from tests.localaws.image_classification.builders import write_root
from tests.localaws.server.builders import ROOT, Server
from tests.ports import free_port

from .builders import MODEL

WORKFLOW = ROOT / ".github" / "workflows" / "deploy.yml"
KEY = "training/workflow/output/model.tar.gz"
RIGHT = re.compile(r"\b[a-z0-9-]+:[A-Z]\w+")


@dataclass
class Repository:
    """A repository with the project, in which cdk.context.json is tracked, and the account that it deploys to."""

    folder: Path
    server: Server

    def commit(self, context: dict[str, Any], hosting: str = "realtime") -> None:
        settings = json.loads((self.folder / "cdk.json").read_text())
        settings["context"]["defaults"]["hosting"] = hosting
        (self.folder / "cdk.json").write_text(json.dumps(settings))
        (self.folder / "cdk.context.json").write_text(json.dumps(context))
        git(self.folder, "add", "--all")
        git(self.folder, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "Context")

    def run(self, job: str, clone: Path) -> subprocess.CompletedProcess[str]:
        """Run the commands of a job in a new clone, with the rights that the workflow's file lists."""
        git(self.folder, "clone", "--quiet", ".", str(clone))
        (ROOT / ".cache").mkdir(exist_ok=True)
        for name in (".venv", "node_modules", ".cache"):
            (clone / name).symlink_to(ROOT / name)
        for path in clone.glob("*requirements*"), clone.glob("package*.json"):
            for file in path:
                os.utime(file, (0, 0))  # `make setup` then finds its packages installed
        steps = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"][job]["steps"]
        script = "\n".join(step["run"] for step in steps if "run" in step)
        keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        credentials = dict(zip(keys, self.server.role(clone.name, *listed_rights()), strict=True))
        inputs = {"STAGE": "dev", "ACCEPT": "", "HOURS": ""}
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=clone, env=environment(self.server) | credentials | inputs,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600,
        )  # fmt: skip


def listed_rights() -> list[dict[str, Any]]:
    """Return statements that allow exactly the actions in the comment at the start of the workflow."""
    comment = WORKFLOW.read_text(encoding="utf-8").partition("name: Deploy")[0]
    return [{"Effect": "Allow", "Action": sorted({*RIGHT.findall(comment)}), "Resource": "*"}]


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def environment(server: Server) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    path = os.pathsep.join([str(Path(sys.executable).parent), str(ROOT / "node_modules" / ".bin"), os.environ["PATH"]])
    return inherited | client_environment(server.port) | {"PATH": path}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """The tracked files in a new repository that tracks cdk.context.json too, and a bootstrapped account."""
    folder = tmp_path_factory.mktemp("workflow") / "origin"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    ignored = folder / ".gitignore"
    ignored.write_text(ignored.read_text(encoding="utf-8").replace("/cdk.context.json\n", ""))
    git(folder, "init", "--quiet")
    server = Server(folder.parent / "state", free_port())
    server.start()
    # Outside the repository, the command does not synthesise the app.
    command = ["cdk", "bootstrap", "aws://000000000000/us-east-1"]
    subprocess.run(command, cwd=folder.parent, env=environment(server), check=True, capture_output=True)
    yield Repository(folder, server)
    server.end(signal.SIGTERM)


def put_artifact(server: Server, root: Path) -> str:
    """Train the stand-in on a few images and store its artifact in the stage's bucket; return its URI."""
    assert train.run(write_root(root)) == 0
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for file in sorted((root / "model").iterdir()):
            archive.add(file, file.name)
    stack = server.client("cloudformation").describe_stacks(StackName="Pneumonia-dev-Storage")["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    server.client("s3").put_object(Bucket=outputs["DataBucketName"], Key=KEY, Body=buffer.getvalue())
    return f"s3://{outputs['DataBucketName']}/{KEY}"


def put_graph(server: Server, artifact: str) -> dict[str, str]:
    """Store a graph beside the artifact; return its entry in cdk.context.json."""
    content, uri = graphs.exported(), artifact.replace("output/model.tar.gz", "model.onnx")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    server.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    return {"uri": uri, "sha256": hashlib.sha256(content).hexdigest()}


def lease(hours: float) -> dict[str, Any]:
    return {"ends": f"{dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours):%Y-%m-%dT%H:%M:%S}", "number": 1}


def test_a_first_deployment_one_after_the_committed_lease_has_ended_and_each_change_of_hosting_pass(
    repository: Repository, tmp_path: Path
) -> None:
    repository.commit({})
    first = repository.run("deploy", tmp_path / "first")
    assert first.returncode == 0, first.stdout
    assert "not yet  model" in first.stdout
    artifact = put_artifact(repository.server, tmp_path / "training")

    repository.commit({"model:dev": MODEL | {"artifact": artifact}, "lease:dev": lease(-1)})
    released = repository.run("deploy", tmp_path / "released")
    assert released.returncode == 0, released.stdout
    assert "GET /health?deep=1 says ok" in released.stdout

    shown = repository.run("diff", tmp_path / "shown")
    assert shown.returncode == 0, shown.stdout

    model = MODEL | {"artifact": artifact, "graph": put_graph(repository.server, artifact)}
    sagemaker = repository.server.client("sagemaker")
    for hosting, answer, endpoints in (("function", "runs the graph", 0), ("realtime", "is in service", 1)):
        repository.commit({"model:dev": model, "lease:dev": lease(8)}, hosting)
        changed = repository.run("deploy", tmp_path / hosting)
        assert changed.returncode == 0, changed.stdout
        assert answer in changed.stdout
        assert "GET /health?deep=1 says ok" in changed.stdout
        assert len(sagemaker.list_endpoints()["Endpoints"]) == endpoints
