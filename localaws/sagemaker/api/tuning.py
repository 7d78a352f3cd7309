"""Create, Describe, List and StopHyperParameterTuningJob, ListTrainingJobsForHyperParameterTuningJob."""

import time
from functools import partial
from typing import Any

from localaws.errors import ServiceError
from localaws.identity import Caller
from localaws.sagemaker.api.jobs import JobApi
from localaws.sagemaker.api.listing import DEFAULT_PAGE, decode_token, encode_token
from localaws.sagemaker.api.training import TrainingApi
from localaws.sagemaker.arns import Key, key_of
from localaws.sagemaker.aws.access import Access
from localaws.sagemaker.checks.jobs import check_training
from localaws.sagemaker.checks.request import invalid
from localaws.sagemaker.context import Context
from localaws.sagemaker.jobs.random_search import check_ranges
from localaws.sagemaker.jobs.tuning import TuningJob, jobs_of, metric_of, summary
from localaws.sagemaker.store import Document

AT_A_TIME = 2
"""Tuning jobs; their training jobs wait for each other anyway."""


class TuningApi(JobApi):
    """The control plane of hyperparameter tuning jobs. Whatever the strategy, values are drawn at random here."""

    kind = "HyperParameterTuningJob"
    noun = "hyperparameter tuning job"

    def __init__(self, context: Context, access: Access, training: TrainingApi) -> None:
        super().__init__(context, access, AT_A_TIME, partial(TuningJob, training=training))
        self.context = context
        self.operations["ListTrainingJobsForHyperParameterTuningJob"] = self.list_training

    def create(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Accept a tuning job and start it."""
        key = key_of(caller, self.kind, request["HyperParameterTuningJobName"])
        self.access.create(caller, "CreateHyperParameterTuningJob", key, request)
        check(request)
        definition = request["TrainingJobDefinition"]
        self.access.pass_role(caller, definition["RoleArn"], key)
        algorithm = self.context.registry.find(definition["AlgorithmSpecification"]["TrainingImage"])
        check_training(definition, algorithm)
        objective = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
        if objective not in (known := [metric.name for metric in algorithm.metrics]):
            raise invalid(f"The objective metric {objective} is not one of the algorithm's: {', '.join(known)}.")
        if self.store.get(key) is not None:
            raise self.in_use(key)
        return self.start(key, initial(key, request))

    def list_training(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Return one page of a tuning job's training jobs; sorted by objective, the best come first or last."""
        key = key_of(caller, self.kind, request["HyperParameterTuningJobName"])
        self.access.use(caller, "ListTrainingJobsForHyperParameterTuningJob", key)
        document = self.store.get(key)
        if document is None:
            raise self.not_found(request["HyperParameterTuningJobName"])
        metric = document["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
        found = [summary(one, metric) for one in jobs_of(self.context, key)]
        found = [one for one in found if request.get("StatusEquals") in (None, one["TrainingJobStatus"])]
        if request.get("SortBy") == "FinalObjectiveMetricValue":
            found = sorted((one for one in found if one["ObjectiveStatus"] == "Succeeded"), key=metric_of)
        if request.get("SortOrder") == "Descending":
            found.reverse()
        start = decode_token(request["NextToken"]) if request.get("NextToken") else 0
        end = start + int(request.get("MaxResults", DEFAULT_PAGE))
        return {"TrainingJobSummaries": found[start:end], "NextToken": encode_token(end) if end < len(found) else None}

    def not_found(self, name: str) -> ServiceError:
        """Return SageMaker's error for an unknown tuning job."""
        return ServiceError("ResourceNotFound", f"Amazon SageMaker can't find a tuning job with name {name}.")

    def in_use(self, key: Key) -> ServiceError:
        """Return SageMaker's error for a name that is taken."""
        return ServiceError(
            "ResourceInUse",
            "Tuning job names must be unique within an AWS account and region, and a tuning job with this name "
            f"already exists ({key.arn})",
        )


def check(request: Document) -> None:
    """Return when a request is one that can run here.

    Raises:
        ServiceError: ValidationException.
    """
    config = request["HyperParameterTuningJobConfig"]
    for name in ("TrainingJobDefinitions", "WarmStartConfig", "Autotune"):
        if name in request:
            raise invalid(f"{name} is not available in localaws; send one TrainingJobDefinition.")
    if "TrainingJobDefinition" not in request or "ResourceConfig" not in request["TrainingJobDefinition"]:
        raise invalid("The request must have a TrainingJobDefinition with a ResourceConfig.")
    if "HyperParameterTuningJobObjective" not in config or "ParameterRanges" not in config:
        raise invalid("HyperParameterTuningJobConfig must have an objective and ParameterRanges.")
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        raise invalid("TrainingJobEarlyStoppingType must be Off in localaws.")
    if "MaxNumberOfTrainingJobs" not in config["ResourceLimits"]:
        raise invalid("ResourceLimits must have MaxNumberOfTrainingJobs.")
    check_ranges(config["ParameterRanges"])
    static = request["TrainingJobDefinition"].get("StaticHyperParameters", {})
    for kind in ("Integer", "Continuous", "Categorical"):
        for one in config["ParameterRanges"].get(f"{kind}ParameterRanges", []):
            if one["Name"] in static:
                raise invalid(f"{one['Name']} is both a static hyperparameter and a range.")


def initial(key: Key, request: Document) -> Document:
    """Return the document of a tuning job that was just accepted."""
    now = time.time()
    counters = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
    return {name: value for name, value in request.items() if name != "Tags"} | {
        "HyperParameterTuningJobArn": key.arn,
        "HyperParameterTuningJobStatus": "InProgress",
        "CreationTime": now,
        "LastModifiedTime": now,
        "TrainingJobStatusCounters": dict.fromkeys(counters, 0),
        "ObjectiveStatusCounters": {"Succeeded": 0, "Pending": 0, "Failed": 0},
        "_Tags": request.get("Tags", []),
    }
