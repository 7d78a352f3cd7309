"""A training job: download, train in a child process, upload, and the states in between."""

import shutil
import time
from typing import Any

from localaws.sagemaker.aws.clients import RoleClients
from localaws.sagemaker.aws.logs import LogStream
from localaws.sagemaker.aws.objects import Objects
from localaws.sagemaker.aws.transfer import DataError
from localaws.sagemaker.container.process import Child
from localaws.sagemaker.container.registry import Algorithm, Metric
from localaws.sagemaker.jobs import training_files
from localaws.sagemaker.jobs.checkpoint_sync import Checkpoints
from localaws.sagemaker.jobs.job import Job, JobFailedError, JobStoppedError
from localaws.sagemaker.jobs.training_metrics import MetricReader
from localaws.sagemaker.store import Document

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
POLL_SECONDS = 0.1
NICENESS = 5
"""Niceness of training, which gives endpoints and the server priority on the processors."""

MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Interrupted": "Training job interrupted: the spot instance was reclaimed",
    "Stopping": "Stopping the training job",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}
"""StatusMessage of each SecondaryStatus, as in DescribeTrainingJob."""


class TrainingJob(Job):
    """Runs one training job."""

    def execute(self) -> None:
        """Run the job from Downloading to Completed, or to Stopped with its artifact."""
        algorithm = self.context.registry.find(self.request["AlgorithmSpecification"]["TrainingImage"])
        clients = self.context.clients(self.request["RoleArn"], self.request["TrainingJobName"], self.key.region)
        started = time.time()
        self.transition("Downloading", TrainingStartTime=started)
        training_files.check_content_types(self.request, algorithm)
        lifetime = self.context.limits.spot_lifetime if self.request.get("EnableManagedSpotTraining") else None
        end = self.attempt(algorithm, clients, int(started), lifetime)
        if end == "Interrupted":
            self.transition("Interrupted")
            shutil.rmtree(self.root)  # the machine is lost with its disk; checkpoints are in S3
            self.transition("Starting")
            self.transition("Downloading")
            end = self.attempt(algorithm, clients, int(started) + 1, None)
        if end == "Completed":
            self.transition("Uploading")
        training_files.upload_results(clients.objects(), self.root, self.request)
        self.finish(end)

    def attempt(self, algorithm: Algorithm, clients: RoleClients, started: int, lifetime: float | None) -> str:
        """Download and train on one machine with its own log stream; return the result of `supervise`.

        Args:
            started: seconds since 1970, for the stream's name.
            lifetime: seconds of training until the spot instance is interrupted; None for never.
        """
        s3 = clients.objects()
        log = LogStream(clients, LOG_GROUP, f"{self.request['TrainingJobName']}/algo-1-{started}")
        try:
            training_files.write_configuration(self.root, self.request)
            training_files.download_channels(
                s3, self.root, self.request, clients.role_arn, self.key.region, log.write, self.interrupted
            )
            checkpoints = Checkpoints(s3, self.root, self.request.get("CheckpointConfig"))
            checkpoints.restore()
            self.checkpoint()
            self.transition("Training")
            self.fetch(algorithm, s3)
            metrics = MetricReader([Metric(m["Name"], m["Regex"]) for m in self.definitions()])
            child = self.start(algorithm.train(self.root), log, metrics)
            return self.supervise(child, metrics, checkpoints, clients, lifetime)
        finally:
            self.close_logs(log)

    def fetch(self, algorithm: Algorithm, s3: Objects) -> None:
        """Download what the container reads from S3 itself.

        Raises:
            JobFailedError: in the words of SageMaker's training toolkit.
        """
        if algorithm.fetch is None:
            return
        try:
            if self.request["EnableNetworkIsolation"]:
                raise DataError("EnableNetworkIsolation keeps the container from sagemaker_submit_directory in S3.")
            algorithm.fetch(s3, self.root)
        except DataError as error:
            raise JobFailedError(f"AlgorithmError: framework error: \n{error}, exit code: 1") from error

    def definitions(self) -> list[dict[str, str]]:
        """Return the job's metric definitions."""
        definitions: list[dict[str, str]] = self.request["AlgorithmSpecification"].get("MetricDefinitions", [])
        return definitions

    def start(self, command: list[str], log: LogStream, metrics: MetricReader) -> Child:
        """Start the container's process. Its lines go to the log and to the metrics."""

        def on_line(line: str) -> None:
            log.write(line)
            metrics.read(line)

        environment = {
            "TRAINING_JOB_NAME": self.request["TrainingJobName"],
            "TRAINING_JOB_ARN": self.key.arn,
            "SM_ROOT": str(self.root),
        }
        return Child(command, self.request.get("Environment", {}) | environment, on_line, NICENESS)

    def supervise(
        self,
        child: Child,
        metrics: MetricReader,
        checkpoints: Checkpoints,
        clients: RoleClients,
        lifetime: float | None,
    ) -> str:
        """Wait for the process; return Completed, Stopped, MaxRuntimeExceeded or Interrupted.

        Raises:
            JobFailedError: the process ended with an error.
            JobStoppedError: the server is stopping.
        """
        began = time.monotonic()
        end, kill_at, synced, shown = "Completed", None, began, metrics.final()
        try:
            while (code := child.wait(POLL_SECONDS)) is None:
                now = time.monotonic()
                if self.context.closing.is_set():
                    raise JobStoppedError
                if kill_at is None and (cause := self.cause(now - began, lifetime)):
                    end, kill_at = cause, now + self.context.limits.stop_grace
                    self.terminate(child, cause)
                elif kill_at is not None and now > kill_at:
                    child.kill()
                if now - synced > self.context.limits.checkpoint_sync:
                    synced = now
                    checkpoints.save()
                    metrics.send(clients, self.request["TrainingJobName"])
                if (latest := metrics.final()) != shown:
                    shown = latest
                    self.update(FinalMetricDataList=latest)
        finally:
            child.kill()
        checkpoints.save()
        self.update(FinalMetricDataList=metrics.final() or None)
        metrics.send(clients, self.request["TrainingJobName"])
        if end == "Completed" and code:
            raise JobFailedError(training_files.failure_reason(self.root, code))
        return end

    def terminate(self, child: Child, cause: str) -> None:
        """Ask the process to end; after a spot interruption the job's status does not change."""
        if cause != "Interrupted":
            self.transition("Stopping", TrainingJobStatus="Stopping")
        child.terminate()

    def cause(self, seconds: float, lifetime: float | None) -> str | None:
        """Return the reason to end the process after `seconds`, None if there is none."""
        if self.stopping.is_set():
            return "Stopped"
        if seconds > self.request["StoppingCondition"]["MaxRuntimeInSeconds"]:
            return "MaxRuntimeExceeded"
        return "Interrupted" if lifetime is not None and seconds > lifetime else None

    def finish(self, end: str) -> None:
        """Record an end with an artifact."""
        self.transition(end, final=True, TrainingJobStatus="Completed" if end == "Completed" else "Stopped")

    def end(self, status: str, failure: str | None = None) -> None:
        """Record a failure, or a stop without an artifact."""
        self.transition(status, final=True, TrainingJobStatus=status, FailureReason=failure)

    def transition(self, status: str, final: bool = False, **changes: Any) -> None:
        """Enter a SecondaryStatus, which ends the one before."""

        def change(document: Document) -> None:
            enter(document, status)
            document.update(changes)
            now = document["LastModifiedTime"]
            if final:
                document["SecondaryStatusTransitions"][-1]["EndTime"] = now
                document["TrainingEndTime"] = now
                if "TrainingStartTime" in document:
                    # Billing lasts from Downloading to the end. localaws applies no spot discount.
                    seconds = max(1, round(now - document["TrainingStartTime"]))
                    document.update(TrainingTimeInSeconds=seconds, BillableTimeInSeconds=seconds)

        self.context.store.update(self.key, change)


def enter(document: Document, status: str) -> None:
    """Append a SecondaryStatus to a job's history, unless it is the current one."""
    now = time.time()
    document["LastModifiedTime"] = now
    history = document.setdefault("SecondaryStatusTransitions", [])
    if history and history[-1]["Status"] == status:
        return
    if history:
        history[-1]["EndTime"] = now
    history.append({"Status": status, "StartTime": now, "StatusMessage": MESSAGES[status]})
    document["SecondaryStatus"] = status
