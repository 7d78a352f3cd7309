"""A processing job: N instances, each a child process with folders of its own in place of /opt/ml."""

import time

from localaws.sagemaker.aws.clients import RoleClients
from localaws.sagemaker.aws.objects import Objects
from localaws.sagemaker.aws.transfer import DataError, S3Object, list_input
from localaws.sagemaker.jobs.job import Job, JobFailedError, JobStoppedError
from localaws.sagemaker.jobs.processing_instance import ProcessingInstance
from localaws.sagemaker.jobs.training_files import no_objects_message

POLL_SECONDS = 0.1
FAILED = "AlgorithmError: See job logs for more information, exit code: {code}"
MESSAGE_BYTES = 1024
"""Bytes of ExitMessage (developer guide, metadata of a processing job)."""


class ProcessingJob(Job):
    """Runs one processing job. `expired` is whether it reached MaxRuntimeInSeconds."""

    expired = False

    def execute(self) -> None:
        """Run the job to Completed, or to Stopped at MaxRuntimeInSeconds.

        Raises:
            JobFailedError: a container ended with an error, or its message is not UTF-8.
            JobStoppedError: the job or the server is stopping.
        """
        clients = self.context.clients(self.request["RoleArn"], self.request["ProcessingJobName"], self.key.region)
        count = self.request["ProcessingResources"]["ClusterConfig"]["InstanceCount"]
        began = int(time.time())
        self.update(ProcessingStartTime=time.time())
        instances = [
            ProcessingInstance(self.request, self.root, clients, number, count, began) for number in range(count)
        ]
        try:
            self.download(clients, instances)
            for instance in instances:
                instance.start()
            end = self.supervise(instances)
        finally:
            for instance in instances:
                instance.kill()
            self.close_logs(*(instance.log for instance in instances))
            self.record_message(instances)
        if end == "Completed":
            for instance in instances:
                instance.upload(at_end=True)
        self.update(ProcessingJobStatus=end, ProcessingEndTime=time.time())

    def download(self, clients: RoleClients, instances: list[ProcessingInstance]) -> None:
        """Download every input to the instances that get it.

        Raises:
            JobFailedError: an input has no object, or cannot be read.
        """
        s3 = clients.objects()
        for source in self.request.get("ProcessingInputs", []):
            try:
                objects = self.objects(s3, source["S3Input"])
                for instance in instances:
                    instance.download(s3, source["S3Input"], objects, self.interrupted)
            except DataError as error:
                raise JobFailedError(f"ClientError: Data download failed: {error}") from error
        self.checkpoint()

    def objects(self, s3: Objects, location: dict[str, str]) -> list[S3Object]:
        """Return the objects of an input in the order of their keys.

        Raises:
            DataError: there is none, or the role may not list them.
        """
        objects = sorted(list_input(s3, location), key=lambda item: item.key)
        if not objects:
            raise DataError(no_objects_message(location["S3Uri"], self.key.region, self.request["RoleArn"]))
        return objects

    def supervise(self, instances: list[ProcessingInstance]) -> str:
        """Wait until every container has ended; return Completed or Stopped.

        A container that fails ends the others. Outputs with S3UploadMode Continuous are uploaded meanwhile.

        Raises:
            JobFailedError: a container ended with another code than 0.
            JobStoppedError: the job or the server is stopping.
        """
        began = time.monotonic()
        synced, failed, ending = began, 0, None
        while None in (codes := [instance.code() for instance in instances]):
            now = time.monotonic()
            failed = failed or next((code for code in codes if code), 0)
            self.expired = self.expired or now - began > self.request["StoppingCondition"]["MaxRuntimeInSeconds"]
            if self.context.closing.is_set():
                raise JobStoppedError
            if ending is None and (failed or self.expired or self.stopping.is_set()):
                ending = now
                for instance in instances:
                    instance.terminate()
            elif ending is not None and now - ending > self.context.limits.stop_grace:
                for instance in instances:
                    instance.kill()
            if now - synced > self.context.limits.checkpoint_sync:
                synced = now
                for instance in instances:
                    instance.upload()
            time.sleep(POLL_SECONDS)
        for instance in instances:
            instance.upload()
        if self.stopping.is_set():
            raise JobStoppedError
        if not self.expired and (failed := failed or next((code for code in codes if code), 0)):
            raise JobFailedError(FAILED.format(code=failed))
        return "Stopped" if self.expired else "Completed"

    def record_message(self, instances: list[ProcessingInstance]) -> None:
        """Record the first kilobyte of what the containers wrote to /opt/ml/output/message.

        Raises:
            JobFailedError: it is not UTF-8.
        """
        message = b"".join(instance.message() for instance in instances)
        try:
            text = message.decode().encode()[:MESSAGE_BYTES].decode(errors="ignore")
            self.update(ExitMessage=text or None)
        except UnicodeDecodeError as error:
            raise JobFailedError("ClientError: /opt/ml/output/message is not UTF-8 text.") from error

    def end(self, status: str, failure: str | None = None) -> None:
        """Record a failure or a stop."""
        self.update(ProcessingJobStatus=status, FailureReason=failure, ProcessingEndTime=time.time())
