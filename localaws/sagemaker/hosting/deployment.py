"""What an endpoint serves with: a running container for each production variant, kept alive."""

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
from localaws.sagemaker.container.serving import Answer, Container, ContainerError
from localaws.sagemaker.context import Context
from localaws.sagemaker.store import Document

RESTART_SECONDS = (0.2, 1.0, 5.0)
"""Pauses before a crashed container is started again; the last one repeats."""
STEADY_SECONDS = 30.0
"""A container that ran this long starts again without a pause."""


class DeploymentError(Exception):
    """A deployment did not come into service; the text is the endpoint's FailureReason."""


class Variant:
    """One production variant: a container, its log, and a thread that starts it again when it crashes."""

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
        """Bring the artifact, start the container and wait until it serves.

        Raises:
            DeploymentError: in SageMaker's words.
        """
        fetched = self.root / "model.complete"
        try:
            if not fetched.exists():
                model_files.fetch(self.clients.objects(), self.model["PrimaryContainer"], self.root)
                fetched.touch()
        except DataError as error:
            found = model_files.artifact(self.model["PrimaryContainer"]) or ("", True)
            raise DeploymentError(
                f'Failed to download model data for the primary container of variant {self.name} from "{found[0]}". '
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
        """Start the container again whenever it ends by itself."""
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
            self._say("The container's process has ended; it is started again.")
            try:
                self._launch(self.context.closing.is_set)
            except (ContainerError, OSError) as error:
                self._say(f"The container did not start: {error}")

    def _say(self, line: str) -> None:
        if self.log is not None:
            self.log.write(line)

    def invoke(self, headers: Mapping[str, str], body: bytes, seconds: float) -> Answer:
        """Send a request to the container, waiting for one that is being started again.

        Raises:
            ContainerError: no answer within `seconds`.
        """
        deadline = time.monotonic() + seconds
        if not self.ready.wait(seconds) or self.ended.is_set() or self.container is None:
            raise ContainerError("the container is being started again")
        return self.container.request("POST", "/invocations", headers, body, max(0.1, deadline - time.monotonic()))

    def stop(self) -> None:
        """End the container for good."""
        self.ended.set()
        self.ready.set()  # for requests that wait for it
        if self.container is not None:
            self.container.stop()
        if self.log is not None:
            self.log.close(0 if self.context.closing.is_set() else 2)


class Deployment:
    """The variants of one endpoint config, as they were when the endpoint was created or updated."""

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
            DeploymentError: one did not come into service; the others are ended.
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
        """Return the variant of that name (None when there is no such), or one at random by the weights."""
        if name is not None:
            return next((variant for variant in self.variants if variant.name == name), None)
        weights = [variant.weight for variant in self.variants]
        chosen: Variant = random.choices(self.variants, weights if any(weights) else None)[0]  # noqa: S311
        return chosen

    def stop(self, drain: float = 0) -> None:
        """End every container, once the requests in flight are answered or `drain` seconds are over."""
        with self.idle:
            self.idle.wait_for(lambda: self.busy == 0, drain)
        for variant in self.variants:
            variant.stop()
