"""Create, Describe, List and StopHyperParameterTuningJob, ListTrainingJobsForHyperParameterTuningJob."""

import time
from functools import partial
from typing import Any

from localaws.errors import ServiceError, invalid
from localaws.identity import Caller
from localaws.sagemaker.api.job_api import JobApi
from localaws.sagemaker.api.listing import paginate
from localaws.sagemaker.api.training import TrainingApi
from localaws.sagemaker.arns import Key, key_of
from localaws.sagemaker.aws.access import Access
from localaws.sagemaker.checks.jobs import check_training
from localaws.sagemaker.checks.tuning import check_tuning, resource_config
from localaws.sagemaker.context import Context
from localaws.sagemaker.jobs.tuning import TuningJob, jobs_of, objective_value, summary
from localaws.sagemaker.store import Document

TUNING_SLOTS = 2
"""Tuning jobs that run at a time."""


class TuningApi(JobApi):
    """The control plane of hyperparameter tuning jobs. In localaws every strategy is a random search."""

    kind = "HyperParameterTuningJob"
    noun = "hyperparameter tuning job"

    def __init__(self, context: Context, access: Access, training: TrainingApi) -> None:
        super().__init__(
            context, access, TUNING_SLOTS, partial(TuningJob, accept=training.accept, stop=training.runner.stop)
        )
        self.operations["ListTrainingJobsForHyperParameterTuningJob"] = self.list_training

    def create(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Accept a tuning job and start it."""
        key = key_of(caller, self.kind, request["HyperParameterTuningJobName"])
        self.access.create(caller, "CreateHyperParameterTuningJob", key, request)
        check_tuning(request)
        definition = request["TrainingJobDefinition"]
        self.access.pass_role(caller, definition["RoleArn"], key)
        algorithm = self.context.registry.find(definition["AlgorithmSpecification"]["TrainingImage"])
        check_training(definition | {"ResourceConfig": resource_config(definition)}, algorithm)
        objective = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
        definitions = algorithm.definitions(definition["AlgorithmSpecification"])
        if objective not in (names := [metric["Name"] for metric in definitions]):
            raise invalid(f"The objective metric {objective} is not one of the algorithm's: {', '.join(names)}.")
        if self.store.get(key) is not None:
            raise self.in_use(key)
        return self.start(key, initial(key, request, definitions))

    def list_training(self, caller: Caller, request: Document) -> dict[str, Any]:
        """Return one page of a tuning job's training jobs."""
        key = key_of(caller, self.kind, request["HyperParameterTuningJobName"])
        self.access.use(caller, "ListTrainingJobsForHyperParameterTuningJob", key)
        document = self.store.get(key)
        if document is None:
            raise self.not_found(request["HyperParameterTuningJobName"])
        metric = document["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
        jobs = [summary(job, metric) for job in jobs_of(self.context, key)]
        jobs = [job for job in jobs if request.get("StatusEquals") in (None, job["TrainingJobStatus"])]
        if request.get("SortBy") == "FinalObjectiveMetricValue":
            jobs = sorted((job for job in jobs if job["ObjectiveStatus"] == "Succeeded"), key=objective_value)
        if request.get("SortOrder") == "Descending":
            jobs.reverse()
        page, token = paginate(jobs, request)
        return {"TrainingJobSummaries": page, "NextToken": token}

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


def initial(key: Key, request: Document, definitions: list[Document]) -> Document:
    """Return the document of a newly accepted tuning job.

    SageMaker adds the name of the objective metric to StaticHyperParameters, and with them to each training job's. The
    SageMaker SDK, which sends HyperParameterTuningResourceConfig, reads the instance from ResourceConfig again; what
    AWS returns there for a list of InstanceConfigs is not documented.
    """
    now = time.time()
    definition = request["TrainingJobDefinition"]
    metric = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
    static = definition.get("StaticHyperParameters", {}) | {"_tuning_objective_metric": metric}
    counters = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
    return {name: value for name, value in request.items() if name != "Tags"} | {
        "HyperParameterTuningJobArn": key.arn,
        "TrainingJobDefinition": definition
        | {
            "AlgorithmSpecification": definition["AlgorithmSpecification"] | {"MetricDefinitions": definitions},
            "StaticHyperParameters": static,
            "ResourceConfig": resource_config(definition),
        },
        "HyperParameterTuningJobStatus": "InProgress",
        "CreationTime": now,
        "LastModifiedTime": now,
        "TrainingJobStatusCounters": dict.fromkeys(counters, 0),
        "ObjectiveStatusCounters": {"Succeeded": 0, "Pending": 0, "Failed": 0},
        "_Tags": request.get("Tags", []),
    }
