"""A batch transform job: a serving container on each instance, and one .out object for every input object."""

import json
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from localaws.sagemaker.aws.clients import RoleClients
from localaws.sagemaker.aws.logs import LogStream
from localaws.sagemaker.aws.objects import Objects
from localaws.sagemaker.aws.parallel import in_parallel
from localaws.sagemaker.aws.transfer import DataError, S3Object, list_input
from localaws.sagemaker.container import model_files
from localaws.sagemaker.container.registry import Algorithm
from localaws.sagemaker.container.serving import Container, ContainerError
from localaws.sagemaker.jobs.job import Job, JobFailedError
from localaws.sagemaker.jobs.training_files import no_objects_message
from localaws.sagemaker.jobs.transform_objects import ObjectFailedError, ObjectTransform
from localaws.sagemaker.store import Document

LOG_GROUP = "/aws/sagemaker/TransformJobs"
MEGABYTE = 1 << 20
DEFAULT_PAYLOAD_MB = 6
"""Default MaxPayloadInMB (API reference)."""
EXTRA_THREADS = 4
"""Threads that download and upload objects while others are in the container."""


class TransformInstance:
    """A serving container with a folder and logs of its own."""

    def __init__(self, clients: RoleClients, job: str, root: Path, number: int, began: int) -> None:
        """Open the logs; `number` counts from 1."""
        stream = f"{job}/algo-{number}-{began}"
        self.root = root / f"algo-{number}"
        self.log = LogStream(clients, LOG_GROUP, stream)
        self.data_log = LogStream(clients, LOG_GROUP, f"{stream}/data-log")
        self.container: Container | None = None

    def start(self, s3: Objects, algorithm: Algorithm, model: Document, environment: Mapping[str, str]) -> Container:
        """Download the model and start the container.

        Raises:
            DataError: the artifact is missing, may not be read, or is not a .tar.gz.
            OSError: the disk is full, or no process or port is left.
        """
        model_files.fetch(s3, model["PrimaryContainer"], self.root)
        self.container = Container(algorithm, self.root, environment, self.log.write)
        return self.container


class TransformJob(Job):
    """Runs one transform job. The document's `_Model` is the model at the time of the job's creation."""

    def execute(self) -> None:
        """Run the job to Completed.

        Raises:
            JobFailedError: an object failed (the others have their .out), or a container did not serve.
        """
        name, model = self.request["TransformJobName"], self.request["_Model"]
        algorithm = self.context.registry.find(model["PrimaryContainer"]["Image"])
        clients = self.context.clients(model["ExecutionRoleArn"], name, self.key.region)
        began = time.time()
        self.update(TransformStartTime=began)
        count = self.request["TransformResources"]["InstanceCount"]
        instances = [TransformInstance(clients, name, self.root, number, int(began)) for number in range(1, count + 1)]
        environment = model["PrimaryContainer"].get("Environment", {}) | self.request.get("Environment", {})
        try:
            s3 = clients.objects()
            containers = []
            for instance in instances:
                containers.append(instance.start(s3, algorithm, model, environment | {"SAGEMAKER_BATCH": "true"}))
                self.checkpoint()
            objects = self.objects(s3, clients.role_arn)  # while the containers start
            for container in containers:
                self.wait_ready(container)
            failures = self.transform(s3, instances, containers, objects)
        finally:
            for instance in instances:
                if instance.container is not None:
                    instance.container.stop()
                self.close_logs(instance.log, instance.data_log)
        self.checkpoint()
        if failures:
            raise JobFailedError(
                f"ClientError: See job logs for more information: {len(failures)} of {len(objects)} objects failed "
                f"and have no .out; the first: {min(failures)}"
            )
        self.update(TransformJobStatus="Completed", TransformEndTime=time.time())

    def objects(self, s3: Objects, role_arn: str) -> list[S3Object]:
        """Return the job's input objects.

        Raises:
            JobFailedError: there are no objects, or the role may not list them.
        """
        source = self.request["TransformInput"]["DataSource"]["S3DataSource"]
        try:
            objects = list_input(s3, source)
        except DataError as error:
            raise JobFailedError(f"ClientError: Data download failed: {error}") from error
        if not objects:
            raise JobFailedError(f"ClientError: {no_objects_message(source['S3Uri'], self.key.region, role_arn)}")
        return objects

    def wait_ready(self, container: Container) -> None:
        """Wait until the container serves.

        Raises:
            JobFailedError: the container does not start or answer /ping.
        """
        try:
            container.wait_ready(self.context.limits.ping, self.interrupted)
        except ContainerError as error:
            self.checkpoint()
            raise JobFailedError(
                f"AlgorithmError: The container did not pass the ping health check: {error}. See the job's log."
            ) from error

    def transform(
        self, s3: Objects, instances: list[TransformInstance], containers: list[Container], objects: list[S3Object]
    ) -> list[str]:
        """Transform every object on its instance; return a sentence for each failure."""
        settings = execution_parameters(containers[0])
        concurrent = int(self.request.get("MaxConcurrentTransforms") or settings.get("MaxConcurrentTransforms") or 1)
        payload = int({"MaxPayloadInMB": DEFAULT_PAYLOAD_MB, **settings, **self.request}["MaxPayloadInMB"])
        for instance in instances:
            instance.data_log.write(
                f"[sagemaker logs]: MaxConcurrentTransforms={concurrent}, MaxPayloadInMB={payload}, "
                "BatchStrategy=SINGLE_RECORD"
            )
        transforms = [
            ObjectTransform(s3, container, self.request, payload * MEGABYTE, threading.Semaphore(concurrent))
            for container in containers
        ]
        failures: list[str] = []

        def run(number: int, item: S3Object) -> None:
            try:
                transforms[number].run(item)
            except ObjectFailedError as error:
                failures.append(str(error))
                instances[number].data_log.write(f"[sagemaker logs]: {error}")

        divided = ((index % len(instances), item) for index, item in enumerate(objects))
        in_parallel(run, divided, len(instances) * concurrent + EXTRA_THREADS, self.interrupted)
        return failures

    def end(self, status: str, failure: str | None = None) -> None:
        """Record a failure or a stop."""
        self.update(TransformJobStatus=status, FailureReason=failure, TransformEndTime=time.time())


def execution_parameters(container: Container) -> Document:
    """Return the container's answer to GET /execution-parameters, {} if it has none."""
    try:
        answer = container.request("GET", "/execution-parameters", {}, b"", 5)
        parameters = json.loads(answer.body) if answer.status == 200 else {}
    except (ContainerError, ValueError):
        return {}
    return {
        name: int(value) for name, value in parameters.items() if name in ("MaxConcurrentTransforms", "MaxPayloadInMB")
    }
