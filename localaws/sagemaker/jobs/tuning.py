"""A hyperparameter tuning job: training jobs one after the other, each with values drawn at random."""

import random
import time
from typing import Any

from localaws.sagemaker.api.training import TrainingApi
from localaws.sagemaker.arns import Key
from localaws.sagemaker.context import Context
from localaws.sagemaker.jobs.base import Job, JobFailedError, JobStoppedError, Slots
from localaws.sagemaker.jobs.random_search import sample
from localaws.sagemaker.store import Document

POLL_SECONDS = 0.2
ENDED = ("Completed", "Failed", "Stopped")
COUNTERS = {"Completed": "Completed", "Failed": "NonRetryableError", "Stopped": "Stopped"}


class TuningJob(Job):
    """Runs one tuning job."""

    def __init__(self, context: Context, slots: Slots, key: Key, document: Document, training: TrainingApi) -> None:
        super().__init__(context, slots, key, document)
        self.training = training

    def execute(self) -> None:
        """Run every training job, and keep the best of them in the description.

        Raises:
            JobFailedError: no training job completed.
            JobStoppedError: it was asked to stop; the training job that runs was stopped too.
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
        """Start the training job of one draw."""
        definition = self.request["TrainingJobDefinition"]
        name = f"{self.key.name}-{number + 1:03}"
        kept = {name: value for name, value in definition.items() if name not in NOT_SENT}
        request = kept | {
            "TrainingJobName": name,
            "HyperParameters": definition.get("StaticHyperParameters", {}) | tuned,
        }
        key = Key("TrainingJob", self.key.account, self.key.region, name)
        self.training.accept(key, request, {"TuningJobArn": self.key.arn, "_Tuned": tuned})
        return key

    def follow(self, key: Key) -> None:
        """Wait for a training job's end.

        Raises:
            JobStoppedError: the tuning job was asked to stop.
        """
        while (document := self.context.store.get(key)) and document["TrainingJobStatus"] not in ENDED:
            if self.interrupted():
                self.training.runner.stop(key)
                if self.context.closing.is_set():
                    raise JobStoppedError
            time.sleep(POLL_SECONDS)
        self.update_counters()

    def update_counters(self) -> dict[str, int]:
        """Count the training jobs and name the best; return the counters."""
        found = jobs_of(self.context, self.key)
        counters = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
        for document in found:
            counters[COUNTERS.get(document["TrainingJobStatus"], "InProgress")] += 1
        objective = self.request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
        summaries = [summary(document, objective["MetricName"]) for document in found]
        known = [one for one in summaries if one["ObjectiveStatus"] == "Succeeded"]
        sign = 1 if objective["Type"] == "Maximize" else -1
        best = max(known, key=lambda one: sign * metric_of(one), default=None)
        self.update(
            TrainingJobStatusCounters=counters,
            ObjectiveStatusCounters={
                status: sum(one["ObjectiveStatus"] == status for one in summaries)
                for status in ("Succeeded", "Pending", "Failed")
            },
            **({} if best is None else {"BestTrainingJob": best}),
        )
        return counters

    def end(self, status: str, failure: str | None = None) -> None:
        """Write down the end."""
        ended = {"HyperParameterTuningJobStatus": status, "HyperParameterTuningEndTime": time.time()}
        self.update(**ended, **({"FailureReason": failure} if failure else {}))


NOT_SENT = (
    "StaticHyperParameters",
    "TuningObjective",
    "HyperParameterRanges",
    "DefinitionName",
    "HyperParameterTuningResourceConfig",
)
"""Members of a TrainingJobDefinition that CreateTrainingJob does not know."""


def jobs_of(context: Context, key: Key) -> list[Document]:
    """Return the training jobs of a tuning job, in the order of their creation."""
    every = context.store.all("TrainingJob", key.account, key.region).values()
    return sorted(
        (document for document in every if document.get("TuningJobArn") == key.arn),
        key=lambda document: float(document["CreationTime"]),
    )


def summary(document: Document, metric: str) -> dict[str, Any]:
    """Return a HyperParameterTrainingJobSummary."""
    values = {one["MetricName"]: one["Value"] for one in document.get("FinalMetricDataList") or []}
    status = document["TrainingJobStatus"]
    objective = "Pending" if status not in ENDED else "Succeeded" if metric in values else "Failed"
    found = {
        "TrainingJobName": document["TrainingJobName"],
        "TrainingJobArn": document["TrainingJobArn"],
        "CreationTime": document["CreationTime"],
        "TrainingStartTime": document.get("TrainingStartTime"),
        "TrainingEndTime": document.get("TrainingEndTime"),
        "TrainingJobStatus": status,
        "TunedHyperParameters": document["_Tuned"],
        "FailureReason": document.get("FailureReason"),
        "ObjectiveStatus": objective,
    }
    if metric in values:
        found["FinalHyperParameterTuningJobObjectiveMetric"] = {"MetricName": metric, "Value": values[metric]}
    return {name: value for name, value in found.items() if value is not None}


def metric_of(one: dict[str, Any]) -> float:
    """Return the objective's value of a summary that has one."""
    return float(one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])
