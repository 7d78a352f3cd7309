"""Follow a training job to its end, by its status and its log."""

import sys
import time
from collections.abc import Callable
from typing import Any

import botocore.exceptions

from ml.aws import clients
from ml.aws.errors import REMEDIES
from ml.errors import UserError
from ml.training.log_parser import JobLog

GROUP = "/aws/sagemaker/TrainingJobs"
POLL_SECONDS = 2.0
ENDED = ("Completed", "Failed", "Stopped")
UNREADABLE = ("ResourceNotFoundException", "AccessDeniedException")
"""Errors of CloudWatch Logs for a log that does not exist yet, or to which access is denied."""


def follow(job: str, show: Callable[[str], None]) -> tuple[dict[str, Any], JobLog]:
    """Show the job's progress until it ends; return its description and what its log says.

    Raises:
        UserError: the job does not exist, or runs another algorithm.
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: AWS refused a call, or could not be
            reached for a minute. The job continues.
    """
    sagemaker = clients.client("sagemaker")
    reader = LogReader(clients.client("logs"), job)
    log = JobLog(epochs_of(describe(sagemaker, job)))
    shown: set[tuple[str, Any]] = set()

    def poll() -> tuple[dict[str, Any], list[str]]:
        return sagemaker.describe_training_job(TrainingJobName=job), reader.new_lines()

    while True:
        description, lines = clients.retry_on_connection_error(poll, POLL_SECONDS)
        ended = description["TrainingJobStatus"] in ENDED
        for status in new_statuses(description, shown):
            if not ended or status != description["SecondaryStatus"]:
                show(f"status: {status}")
        for line in lines:
            if progress := log.read(line):
                show(progress)
        if ended:
            return description, log
        tick(log.now)
        time.sleep(POLL_SECONDS)


def describe(sagemaker: Any, job: str) -> dict[str, Any]:
    """Return the job's description.

    Raises:
        UserError: there is no such job.
    """
    return clients.description(
        lambda: sagemaker.describe_training_job(TrainingJobName=job), f"training job {job}", POLL_SECONDS
    )


def epochs_of(description: dict[str, Any]) -> int:
    """Return the number of epochs that a job was started with.

    Raises:
        UserError: it runs another algorithm.
    """
    try:
        return int(description["HyperParameters"]["epochs"])
    except KeyError:
        raise UserError(
            f"Training job {description['TrainingJobName']} has no hyperparameter epochs: ml.train did not start it.", 2
        ) from None


def new_statuses(description: dict[str, Any], shown: set[tuple[str, Any]]) -> list[str]:
    """Return the statuses that the job has entered since the last call, and add them to `shown`."""
    transitions = description.get("SecondaryStatusTransitions", [])
    entered = [(each["Status"], each["StartTime"]) for each in transitions]
    new = [each for each in entered if each not in shown]
    shown.update(new)
    return [status for status, _ in new]


def tick(progress: str) -> None:
    """Show the progress of an epoch on a line that the next one overwrites; print nothing to a log file."""
    if sys.stderr.isatty():
        print(f"\r{progress}\033[K", end="\r", file=sys.stderr, flush=True)


def check(description: dict[str, Any]) -> None:
    """Check that a job did not fail.

    Raises:
        UserError: it failed; the message contains SageMaker's reason.
    """
    if description["TrainingJobStatus"] != "Failed":
        return
    reason = description.get("FailureReason", "no reason given").rstrip(".")
    remedy = next((sentence for code, sentence in REMEDIES.items() if reason.startswith(code)), "")
    advice = " ".join(filter(None, [f"{reason}.", remedy]))
    job = description["TrainingJobName"]
    raise UserError(f"Training job {job} failed: {advice} Its log is in CloudWatch Logs, group {GROUP}.")


def stop_reason(description: dict[str, Any]) -> str:
    """Return why a job was stopped (DescribeTrainingJob, SecondaryStatus), and what to do."""
    limits = description["StoppingCondition"]
    match description["SecondaryStatus"]:
        case "MaxWaitTimeExceeded":
            return (
                f"reached --max-wait {limits['MaxWaitTimeInSeconds']}, the seconds for training and for waiting for "
                "spot capacity; a new job needs --no-spot or a longer --max-wait"
            )
        case "MaxRuntimeExceeded":
            return f"reached --max-runtime {limits['MaxRuntimeInSeconds']}; a new job needs a longer one"
        case _:
            return "was stopped"


class LogReader:
    """Reads all log streams of a job as they grow: each attempt after a spot interruption has its own."""

    def __init__(self, logs: Any, job: str, group: str = GROUP) -> None:
        self.logs, self.job, self.group = logs, job, group
        self.tokens: dict[str, str] = {}

    def new_lines(self) -> list[str]:
        """Return the lines since the last call; none if there is no stream, or access to it is denied.

        A call that fails loses no line: the next one starts at the same position.
        """
        lines: list[str] = []
        tokens = dict(self.tokens)
        try:
            for stream in self._streams():
                while True:
                    token = {"nextToken": tokens[stream]} if stream in tokens else {}
                    page = self.logs.get_log_events(
                        logGroupName=self.group, logStreamName=stream, startFromHead=True, **token
                    )
                    lines += [event["message"] for event in page["events"]]
                    if page["nextForwardToken"] == tokens.get(stream):
                        break
                    tokens[stream] = page["nextForwardToken"]
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in UNREADABLE:
                raise
        self.tokens = tokens
        return lines

    def _streams(self) -> list[str]:
        """Return the names of the job's streams, the oldest first."""
        pages = self.logs.get_paginator("describe_log_streams").paginate(
            logGroupName=self.group, logStreamNamePrefix=f"{self.job}/"
        )
        streams = [stream for page in pages for stream in page["logStreams"]]
        return [stream["logStreamName"] for stream in sorted(streams, key=lambda each: each["creationTime"])]
