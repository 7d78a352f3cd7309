"""Follow a training job to its end, by its status and its log."""

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import botocore.exceptions

from ml import aws
from ml.errors import REMEDIES, UserError
from ml.joblog import JobLog

GROUP = "/aws/sagemaker/TrainingJobs"
POLL_SECONDS = 2.0
ENDED = ("Completed", "Failed", "Stopped")
LIMITS = {
    "MaxWaitTimeExceeded": "found no spot capacity in time and was stopped; start it again with --no-spot, or with a "
    "longer --max-wait",
    "MaxRuntimeExceeded": "ran for as long as it may and was stopped; start it again with a longer --max-runtime",
}
"""Why SageMaker stops a job by itself (DescribeTrainingJob, SecondaryStatus), and what to do."""


def follow(job: str, show: Callable[[str], None]) -> tuple[dict[str, Any], JobLog]:
    """Show the job's progress until it ends; return its description and what its log told.

    Raises:
        UserError: the job failed, was stopped, or could not be asked about for a minute.
    """
    sagemaker = aws.client("sagemaker")
    reader = LogReader(aws.client("logs"), job)
    description = sagemaker.describe_training_job(TrainingJobName=job)
    log = JobLog(int(description["HyperParameters"]["epochs"]))
    status = ""

    def news() -> tuple[dict[str, Any], list[str]]:
        return sagemaker.describe_training_job(TrainingJobName=job), list(reader.new_lines())

    while True:
        try:
            description, lines = aws.patiently(news, POLL_SECONDS)
        except aws.LOST as error:
            raise UserError(
                f"Lost the connection ({error}). The job goes on; attach again with --attach {job}."
            ) from error
        if description["SecondaryStatus"] != status and not log.epochs:
            status = description["SecondaryStatus"]
            show(f"status: {status}")
        for line in lines:
            if told := log.read(line):
                show(told)
        if description["TrainingJobStatus"] in ENDED:
            break
        tick(log.now)
        time.sleep(POLL_SECONDS)
    for line in reader.new_lines():
        if told := log.read(line):
            show(told)
    check(description)
    return description, log


def tick(words: str) -> None:
    """Show where the epoch is, on a line that the next one takes the place of; a log file is spared."""
    if sys.stderr.isatty():
        print(f"\r{words}\033[K", end="\r", file=sys.stderr, flush=True)


def check(description: dict[str, Any]) -> None:
    """Return when a job completed.

    Raises:
        UserError: it failed or was stopped; the sentence holds SageMaker's reason.
    """
    job, status = description["TrainingJobName"], description["TrainingJobStatus"]
    if status == "Failed":
        reason = description.get("FailureReason", "no reason given").rstrip(".")
        remedy = next((words for code, words in REMEDIES.items() if reason.startswith(code)), "")
        told = " ".join(filter(None, [f"{reason}.", remedy]))
        raise UserError(f"Training job {job} failed: {told} Its log is in CloudWatch Logs, group {GROUP}.")
    if status == "Stopped":
        cause = LIMITS.get(description.get("SecondaryStatus", ""), "was stopped")
        raise UserError(f"Training job {job} {cause}; the model in context is unchanged.")


class LogReader:
    """Reads a job's log stream as it grows."""

    def __init__(self, logs: Any, job: str) -> None:
        self.logs, self.job = logs, job
        self.stream: str | None = None
        self.token: str | None = None

    def new_lines(self) -> Iterator[str]:
        """Yield the lines since the last call; nothing while the stream does not exist, or may not be read."""
        try:
            if self.stream is None:
                streams = self.logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{self.job}/")
                if not streams["logStreams"]:
                    return
                self.stream = streams["logStreams"][0]["logStreamName"]
            while True:
                token = {"nextToken": self.token} if self.token else {}
                page = self.logs.get_log_events(
                    logGroupName=GROUP, logStreamName=self.stream, startFromHead=True, **token
                )
                yield from (event["message"] for event in page["events"])
                if page["nextForwardToken"] == self.token:
                    return
                self.token = page["nextForwardToken"]
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in ("ResourceNotFoundException", "AccessDeniedException"):
                raise
