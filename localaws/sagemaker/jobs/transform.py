"""A batch transform job: a serving container, and one .out for every object of the input."""

import json
import threading
import time

from localaws.sagemaker.aws.logs import LogStream
from localaws.sagemaker.aws.objects import Objects
from localaws.sagemaker.aws.parallel import in_parallel
from localaws.sagemaker.aws.transfer import DataError, S3Object, list_input
from localaws.sagemaker.container import model_files
from localaws.sagemaker.container.serving import Container, ContainerError
from localaws.sagemaker.jobs.job import Job, JobFailedError
from localaws.sagemaker.jobs.training_files import nothing_found
from localaws.sagemaker.jobs.transform_objects import ObjectFailedError, ObjectTransform
from localaws.sagemaker.store import Document

LOG_GROUP = "/aws/sagemaker/TransformJobs"
MEGABYTE = 1 << 20
DEFAULT_PAYLOAD_MB = 6
"""MaxPayloadInMB when the job names none (API reference)."""
EXTRA_THREADS = 4
"""Objects on their way from and to S3 while others are in the container."""


class TransformJob(Job):
    """Runs one transform job. The model as it was when the job was created is in the document's `_Model`."""

    def execute(self) -> None:
        """Run the job to Completed.

        Raises:
            JobFailedError: an object failed (the others have their .out), or the container did not serve.
        """
        name, model = self.request["TransformJobName"], self.request["_Model"]
        algorithm = self.context.registry.find(model["PrimaryContainer"]["Image"])
        clients = self.context.clients(model["ExecutionRoleArn"], name, self.key.region)
        self.update(TransformStartTime=time.time())
        stream = f"{name}/algo-1-{int(time.time())}"
        log, data_log = LogStream(clients, LOG_GROUP, stream), LogStream(clients, LOG_GROUP, f"{stream}/data-log")
        container = None
        try:
            s3 = clients.objects()
            model_files.fetch(s3, model["PrimaryContainer"], self.root)
            self.checkpoint()
            environment = model["PrimaryContainer"].get("Environment", {}) | self.request.get("Environment", {})
            container = Container(algorithm, self.root, environment | {"SAGEMAKER_BATCH": "true"}, log.write)
            objects = self.objects(s3, clients.role_arn)  # while the container starts
            self.wait_ready(container)
            failures = self.transform(s3, container, objects, data_log)
        finally:
            if container is not None:
                container.stop()
            self.close_logs(log, data_log)
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
            JobFailedError: there are none, or the role may not list them.
        """
        source = self.request["TransformInput"]["DataSource"]["S3DataSource"]
        try:
            objects = list_input(s3, source)
        except DataError as error:
            raise JobFailedError(f"ClientError: Data download failed: {error}") from error
        if not objects:
            raise JobFailedError(f"ClientError: {nothing_found(source['S3Uri'], self.key.region, role_arn)}")
        return objects

    def wait_ready(self, container: Container) -> None:
        """Return when the container serves.

        Raises:
            JobFailedError: it does not.
        """
        try:
            container.wait_ready(self.context.limits.ping, self.interrupted)
        except ContainerError as error:
            self.checkpoint()
            raise JobFailedError(
                f"AlgorithmError: The container did not pass the ping health check: {error}. See the job's log."
            ) from error

    def transform(self, s3: Objects, container: Container, objects: list[S3Object], log: LogStream) -> list[str]:
        """Send every object; return a sentence for each that failed."""
        settings = execution_parameters(container)
        concurrent = int(self.request.get("MaxConcurrentTransforms") or settings.get("MaxConcurrentTransforms") or 1)
        payload = int({"MaxPayloadInMB": DEFAULT_PAYLOAD_MB, **settings, **self.request}["MaxPayloadInMB"])
        log.write(
            f"[sagemaker logs]: MaxConcurrentTransforms={concurrent}, MaxPayloadInMB={payload}, "
            "BatchStrategy=SINGLE_RECORD"
        )
        one = ObjectTransform(s3, container, self.request, payload * MEGABYTE, threading.Semaphore(concurrent))
        failures: list[str] = []

        def run(item: S3Object) -> None:
            try:
                one.run(item)
            except ObjectFailedError as error:
                failures.append(str(error))
                log.write(f"[sagemaker logs]: {error}")

        in_parallel(run, ((item,) for item in objects), concurrent + EXTRA_THREADS, self.interrupted)
        return failures

    def end(self, status: str, failure: str | None = None) -> None:
        """Write down a failure or a stop."""
        self.update(TransformJobStatus=status, FailureReason=failure, TransformEndTime=time.time())


def execution_parameters(container: Container) -> Document:
    """Return what the container advises (GET /execution-parameters), {} when it does not say."""
    try:
        answer = container.request("GET", "/execution-parameters", {}, b"", 5)
        found = json.loads(answer.body) if answer.status == 200 else {}
    except (ContainerError, ValueError):
        return {}
    return {name: int(value) for name, value in found.items() if name in ("MaxConcurrentTransforms", "MaxPayloadInMB")}
