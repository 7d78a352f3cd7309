"""A hyperparameter tuning job: training jobs one after another, with random hyperparameters."""

import random
import time
from collections.abc import Callable
from typing import Any

from localaws.sagemaker.arns import Key
from localaws.sagemaker.context import Context
from localaws.sagemaker.jobs.job import Job, JobFailedError, JobStoppedError, Slots
from localaws.sagemaker.jobs.random_search import sample
from localaws.sagemaker.store import Document

POLL_SECONDS = 0.2
ENDED = ("Completed", "Failed", "Stopped")
COUNTERS = {"Completed": "Completed", "Failed": "NonRetryableError", "Stopped": "Stopped"}


class TuningJob(Job):
    """Runs one tuning job."""

    def __init__(
        self,
        context: Context,
        slots: Slots,
        key: Key,
        document: Document,
        accept: Callable[[Key, Document, Document], Any],
        stop: Callable[[Key], None],
    ) -> None:
        """`accept` starts a training job from key, request and further members of its document; `stop` stops one."""
        super().__init__(context, slots, key, document)
        self.accept = accept
        self.stop = stop

    def execute(self) -> None:
        """Run every training job and record the best in the description.

        Raises:
            JobFailedError: no training job completed.
            JobStoppedError: the tuning job was stopped; its running training job was stopped too.
        """
        config = self.request["HyperParameterTuningJobConfig"]
        rng = random.Random(config.get("RandomSeed", 0))  # noqa: S311 (a search, no secret)
        for number in range(config["ResourceLimits"]["MaxNumberOfTrainingJobs"]):
            self.checkpoint()
            self.follow(self.launch(number, sample(config["ParameterRanges"], rng)))
        self.checkpoint()
        if self.update_counters()["Completed"] == 0:
            raise JobFailedError("ClientError: All training jobs failed; look at the FailureReason of one of them.")
        self.end("Completed")

    def launch(self, number: int, tuned: dict[str, str]) -> Key:
        """Start a training job with the sampled hyperparameters."""
        definition = self.request["TrainingJobDefinition"]
        name = f"{self.key.name}-{number + 1:03}"
        specification = dict(definition["AlgorithmSpecification"])
        if self.context.registry.find(specification["TrainingImage"]).metrics:
            specification.pop("MetricDefinitions")  # CreateTrainingJob refuses those of a built-in algorithm
        request = {name: value for name, value in definition.items() if name not in NOT_SENT} | {
            "TrainingJobName": name,
            "AlgorithmSpecification": specification,
            "HyperParameters": definition["StaticHyperParameters"] | tuned,
        }
        key = Key("TrainingJob", self.key.account, self.key.region, name)
        self.accept(key, request, {"TuningJobArn": self.key.arn, "_Tuned": tuned})
        return key

    def follow(self, key: Key) -> None:
        """Wait until a training job ends.

        Raises:
            JobStoppedError: the server is stopping.
        """
        while (document := self.context.store.get(key)) and document["TrainingJobStatus"] not in ENDED:
            if self.interrupted():
                self.stop(key)
                if self.context.closing.is_set():
                    raise JobStoppedError
            time.sleep(POLL_SECONDS)
        self.update_counters()

    def update_counters(self) -> dict[str, int]:
        """Record the counters of the training jobs and the best one; return the counters."""
        jobs = jobs_of(self.context, self.key)
        counters = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
        for document in jobs:
            counters[COUNTERS.get(document["TrainingJobStatus"], "InProgress")] += 1
        objective = self.request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
        summaries = [summary(document, objective["MetricName"]) for document in jobs]
        succeeded = [job for job in summaries if job["ObjectiveStatus"] == "Succeeded"]
        sign = 1 if objective["Type"] == "Maximize" else -1
        best = max(succeeded, key=lambda job: sign * objective_value(job), default=None)
        self.update(
            TrainingJobStatusCounters=counters,
            ObjectiveStatusCounters={
                status: sum(job["ObjectiveStatus"] == status for job in summaries)
                for status in ("Succeeded", "Pending", "Failed")
            },
            **({} if best is None else {"BestTrainingJob": best}),
        )
        return counters

    def end(self, status: str, failure: str | None = None) -> None:
        """Record the end of the job."""
        ended = {"HyperParameterTuningJobStatus": status, "HyperParameterTuningEndTime": time.time()}
        self.update(**ended, **({"FailureReason": failure} if failure else {}))


NOT_SENT = (
    "StaticHyperParameters",
    "TuningObjective",
    "HyperParameterRanges",
    "DefinitionName",
    "HyperParameterTuningResourceConfig",
)
"""Members of a TrainingJobDefinition that CreateTrainingJob does not have."""


def jobs_of(context: Context, key: Key) -> list[Document]:
    """Return the training jobs of a tuning job, in the order of their creation."""
    documents = context.store.all("TrainingJob", key.account, key.region).values()
    return sorted(
        (document for document in documents if document.get("TuningJobArn") == key.arn),
        key=lambda document: float(document["CreationTime"]),
    )


def summary(document: Document, objective: str) -> dict[str, Any]:
    """Return the HyperParameterTrainingJobSummary of a training job."""
    values = {metric["MetricName"]: metric["Value"] for metric in document.get("FinalMetricDataList") or []}
    status = document["TrainingJobStatus"]
    objective_status = "Pending" if status not in ENDED else "Succeeded" if objective in values else "Failed"
    members = {
        "TrainingJobName": document["TrainingJobName"],
        "TrainingJobArn": document["TrainingJobArn"],
        "CreationTime": document["CreationTime"],
        "TrainingStartTime": document.get("TrainingStartTime"),
        "TrainingEndTime": document.get("TrainingEndTime"),
        "TrainingJobStatus": status,
        "TunedHyperParameters": document["_Tuned"],
        "FailureReason": document.get("FailureReason"),
        "ObjectiveStatus": objective_status,
    }
    if objective in values:
        members["FinalHyperParameterTuningJobObjectiveMetric"] = {"MetricName": objective, "Value": values[objective]}
    return {name: value for name, value in members.items() if value is not None}


def objective_value(job: dict[str, Any]) -> float:
    """Return the objective's value in the summary of a job that succeeded."""
    return float(job["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])
