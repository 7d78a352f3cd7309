"""One instance of a processing job: its folders, its container and its log stream."""

import json
import posixpath
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from localaws.sagemaker.aws.clients import RoleClients
from localaws.sagemaker.aws.logs import LogStream
from localaws.sagemaker.aws.objects import Objects
from localaws.sagemaker.aws.transfer import S3Object, download
from localaws.sagemaker.container.process import Child
from localaws.sagemaker.jobs.checkpoint_sync import Checkpoints
from localaws.sagemaker.jobs.training import NICENESS
from localaws.sagemaker.store import Document

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
CONFIGURATION = (
    "ProcessingJobArn", "ProcessingJobName", "AppSpecification", "Environment", "ProcessingInputs",
    "ProcessingOutputConfig", "ProcessingResources", "RoleArn", "StoppingCondition",
)  # fmt: skip
"""Members of processingjobconfig.json (developer guide, build your own processing container)."""
CONTAINER_FOLDER = "/opt/ml"


class ProcessingInstance:
    """One of `count` instances. `root` is its folder in place of /opt/ml.

    There is no Docker, so a path below /opt/ml in the entrypoint, the arguments and the environment becomes one
    below `root`.
    """

    def __init__(
        self, request: Document, work: Path, clients: RoleClients, number: int, count: int, started: int
    ) -> None:
        """Write the files of /opt/ml/config.

        Args:
            number: of this instance, from 0.
            started: seconds since 1970, for the stream's name.
        """
        self.request, self.number, self.count = request, number, count
        host = f"algo-{number + 1}"
        self.root = work / host
        self.log = LogStream(clients, LOG_GROUP, f"{request['ProcessingJobName']}/{host}-{started}")
        self.child: Child | None = None
        hosts = [f"algo-{each + 1}" for each in range(count)]
        configuration = {
            "processingjobconfig": {name: request.get(name) for name in CONFIGURATION},
            "resourceconfig": {"current_host": host, "hosts": hosts, "network_interface_name": "lo"},
        }
        for folder in ("config", "output", "processing"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        for name, content in configuration.items():
            (self.root / "config" / f"{name}.json").write_text(json.dumps(content, indent=2))
        self.outputs = [
            (output["S3Output"]["S3UploadMode"], Checkpoints(clients.objects(), self.root, output["S3Output"]))
            for output in request.get("ProcessingOutputConfig", {}).get("Outputs", [])
        ]

    def download(
        self, s3: Objects, location: Document, objects: Sequence[S3Object], cancelled: Callable[[], bool]
    ) -> None:
        """Download an input's objects to its LocalPath; of a sharded input, the part of this instance.

        Raises:
            DataError: an object cannot be read.
            OSError: the disk is full.
        """
        folder = self.root / posixpath.relpath(location["LocalPath"], CONTAINER_FOLDER)
        folder.mkdir(parents=True, exist_ok=True)
        sharded = location.get("S3DataDistributionType") == "ShardedByS3Key"
        download(s3, objects[self.number :: self.count] if sharded else objects, folder, cancelled=cancelled)

    def start(self) -> None:
        """Start the container."""
        application = self.request["AppSpecification"]
        command = [*application["ContainerEntrypoint"][1:], *application.get("ContainerArguments", [])]
        environment = {name: self.local(text) for name, text in self.request.get("Environment", {}).items()}
        self.child = Child([sys.executable, *map(self.local, command)], environment, self.log.write, NICENESS)

    def local(self, text: str) -> str:
        """Return a text with a path of the container as that of this instance."""
        inside = text == CONTAINER_FOLDER or text.startswith(f"{CONTAINER_FOLDER}/")
        return f"{self.root}{text.removeprefix(CONTAINER_FOLDER)}" if inside else text

    def code(self) -> int | None:
        """Return the container's exit code, or None while it runs."""
        return self.child.wait(0) if self.child is not None else None

    def terminate(self) -> None:
        """Ask the container to end."""
        if self.child is not None and self.child.running:
            self.child.terminate()

    def kill(self) -> None:
        """End the container."""
        if self.child is not None:
            self.child.kill()

    def upload(self, at_end: bool = False) -> None:
        """Upload new and changed files of the outputs with S3UploadMode Continuous, or of the others at the end.

        Raises:
            DataError: the role may not write there.
        """
        for mode, files in self.outputs:
            if (mode == "EndOfJob") == at_end:
                files.save()

    def message(self) -> bytes:
        """Return what the container wrote to /opt/ml/output/message."""
        path = self.root / "output" / "message"
        return path.read_bytes() if path.is_file() else b""
