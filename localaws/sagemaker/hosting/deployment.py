"""A deployment of an endpoint: a running container for each production variant."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from localaws.errors import ServiceError
from localaws.sagemaker.arns import Key
from localaws.sagemaker.aws.logs import LogStream
from localaws.sagemaker.aws.transfer import DataError
from localaws.sagemaker.container import model_files
from localaws.sagemaker.container.serving import Container, ContainerAnswer, ContainerError
from localaws.sagemaker.context import Context
from localaws.sagemaker.store import Document

RESTART_SECONDS = (0.2, 1.0, 5.0)
"""Pauses before a crashed container is restarted; the last one repeats."""
STEADY_SECONDS = 30.0
"""After this time of running, the count of crashes starts at one again."""


class DeploymentError(Exception):
    """A deployment did not come into service. The text is the endpoint's FailureReason."""


class Variant:
    """One production variant: a container, its log, and a thread that restarts it after a crash."""

    def __init__(self, context: Context, endpoint: Key, variant: Document, root: Path) -> None:
        """`variant` has VariantName, Weight, Model (a CreateModel request), Ping (seconds or None)."""
        self.context = context
        self.name: str = variant["VariantName"]
        self.weight: float = variant["Weight"]
        self.model: Document = variant["Model"]
        self.ping: float = variant.get("Ping") or context.limits.ping
        self.root = root
        self.algorithm = context.registry.find(self.model["PrimaryContainer"]["Image"])
        self.clients = context.clients(self.model["ExecutionRoleArn"], endpoint.name, endpoint.region)
        self.group = f"/aws/sagemaker/Endpoints/{variant['EndpointName']}"
        self.stream = f"{self.name}/i-{root.parent.name[:17]}"
        self.log: LogStream | None = None
        self.container: Container | None = None
        self.ready = threading.Event()
        self.ended = threading.Event()

    def start(self, cancelled: Callable[[], bool]) -> None:
        """Download the artifact, start the container and wait until it serves.

        Raises:
            DeploymentError: the artifact cannot be downloaded, or the container does not serve.
        """
        marker = self.root / "model.complete"
        try:
            if not marker.exists():
                model_files.fetch(self.clients.objects(), self.model["PrimaryContainer"], self.root)
                marker.touch()
        except DataError as error:
            uri, _ = model_files.artifact(self.model["PrimaryContainer"]) or ("", True)
            raise DeploymentError(
                f'Failed to download model data for the primary container of variant {self.name} from "{uri}". '
                "Please ensure that there is an object located at the URL and that the role passed to CreateModel "
                f"has permissions to download it: {error}"
            ) from error
        self.log = LogStream(self.clients, self.group, self.stream)
        try:
            self._launch(cancelled)
        except ContainerError as error:
            raise DeploymentError(
                f"The primary container for production variant {self.name} did not pass the ping health check: "
                f"{error}. Please check CloudWatch logs for this endpoint ({self.group})."
            ) from error
        threading.Thread(target=self._watch, name=f"variant {self.name}", daemon=True).start()

    def _launch(self, cancelled: Callable[[], bool]) -> None:
        assert self.log is not None  # noqa: S101 (start made it)
        environment = self.model["PrimaryContainer"].get("Environment", {})
        self.container = Container(self.algorithm, self.root, environment, self.log.write)
        try:
            self.container.wait_ready(self.ping, lambda: cancelled() or self.ended.is_set())
        except ContainerError:
            self.container.stop()
            raise
        self.ready.set()

    def _watch(self) -> None:
        """Restart the container whenever its process ends."""
        crashes = 0
        while not self.ended.is_set():
            began = time.monotonic()
            while self.container is not None and self.container.child.wait(0.5) is None:
                if self.ended.is_set():
                    return
            self.ready.clear()
            crashes = 1 if time.monotonic() - began > STEADY_SECONDS else crashes + 1
            if self.ended.wait(RESTART_SECONDS[min(crashes, len(RESTART_SECONDS)) - 1]):
                self.ready.set()  # stop() may have set it before it was cleared above
                return
            self._log("The container's process has ended and is restarted.")
            try:
                self._launch(self.context.closing.is_set)
            except (ContainerError, OSError) as error:
                self._log(f"The container did not start: {error}")

    def _log(self, line: str) -> None:
        if self.log is not None:
            self.log.write(line)

    def invoke(self, headers: Mapping[str, str], body: bytes, seconds: float) -> ContainerAnswer:
        """Send a request to the container, waiting while it is restarted.

        Raises:
            ContainerError: no answer within `seconds`.
        """
        deadline = time.monotonic() + seconds
        if not self.ready.wait(seconds) or self.ended.is_set() or self.container is None:
            raise ContainerError("the container is being restarted")
        return self.container.request("POST", "/invocations", headers, body, max(0.1, deadline - time.monotonic()))

    def stop(self) -> None:
        """End the container for good."""
        self.ended.set()
        self.ready.set()  # wakes waiting requests
        if self.container is not None:
            self.container.stop()
        if self.log is not None:
            self.log.close(0 if self.context.closing.is_set() else 2)


class Deployment:
    """The running variants of one plan."""

    def __init__(self, context: Context, endpoint: Key, plan: Document) -> None:
        """`plan` is {"Id", "EndpointConfigName", "Variants"}; its files are below work/Endpoint/<Id>.

        Raises:
            DeploymentError: a role cannot be assumed.
        """
        self.plan = plan
        self.folder = context.work / "Endpoint" / plan["Id"]
        self.busy = 0
        self.idle = threading.Condition()
        try:
            self.variants = [
                Variant(context, endpoint, variant, self.folder / variant["VariantName"])
                for variant in plan["Variants"]
            ]
        except ServiceError as error:
            raise DeploymentError(error.message) from error

    def start(self, cancelled: Callable[[], bool]) -> None:
        """Start every variant.

        Raises:
            DeploymentError: a variant did not come into service; all are stopped.
        """
        try:
            for variant in self.variants:
                variant.root.mkdir(parents=True, exist_ok=True)
                variant.start(cancelled)
        except OSError as error:
            self.stop()
            raise DeploymentError(f"This machine could not start the container: {error}.") from error
        except BaseException:
            self.stop()
            raise

    def choose(self, name: str | None) -> Variant | None:
        """Return the variant called `name`, None if it does not exist; without a name, a random one by the weights."""
        if name is not None:
            return next((variant for variant in self.variants if variant.name == name), None)
        weights = [variant.weight for variant in self.variants]
        chosen: Variant = random.choices(self.variants, weights if any(weights) else None)[0]  # noqa: S311
        return chosen

    def stop(self, drain: float = 0) -> None:
        """End every container after the requests in flight, at the latest after `drain` seconds."""
        with self.idle:
            self.idle.wait_for(lambda: self.busy == 0, drain)
        for variant in self.variants:
            variant.stop()
