"""Hyperparameter tuning jobs: training jobs with values from the ranges, and the best of them."""

import random
from typing import Any

import botocore.exceptions
import pytest

from localaws.sagemaker.jobs.random_search import sample
from tests.localaws.sagemaker.builders import BUCKET, Cloud, training_request, unique, until

RANGES = {"IntegerParameterRanges": [{"Name": "epochs", "MinValue": "1", "MaxValue": "4"}]}


def tuning_request(role: str, jobs: int = 3, **config: Any) -> dict[str, Any]:
    definition = training_request(role)
    del definition["TrainingJobName"]
    return {
        "HyperParameterTuningJobName": unique("tune"),
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "train:accuracy"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": 1},
            "ParameterRanges": RANGES,
            "RandomSeed": 1,
        }
        | config,
        "TrainingJobDefinition": definition | {"StaticHyperParameters": {"version": "7"}},
    }


def ended(sagemaker: Any, request: dict[str, Any]) -> dict[str, Any]:
    name = request["HyperParameterTuningJobName"]

    def done() -> Any:
        description = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return (
            description if description["HyperParameterTuningJobStatus"] in ("Completed", "Failed", "Stopped") else None
        )

    return dict(until(done, 60))


def jobs(sagemaker: Any, request: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    name = request["HyperParameterTuningJobName"]
    page = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, **more)
    return list(page["TrainingJobSummaries"])


def test_every_draw_trains_and_the_best_is_named(cloud: Cloud, sagemaker: Any) -> None:
    request = tuning_request(cloud.role)
    sagemaker.create_hyper_parameter_tuning_job(**request)
    description = ended(sagemaker, request)
    assert description["HyperParameterTuningJobStatus"] == "Completed", description
    assert description["TrainingJobStatusCounters"]["Completed"] == 3
    assert description["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 0}
    epochs = {job["TrainingJobName"]: int(job["TunedHyperParameters"]["epochs"]) for job in jobs(sagemaker, request)}
    best = description["BestTrainingJob"]
    assert epochs[best["TrainingJobName"]] == max(epochs.values())
    trained = sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert trained["HyperParameters"] == {
        "version": "7",
        "epochs": str(max(epochs.values())),
        "_tuning_objective_metric": "train:accuracy",
    }
    metrics = description["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"]
    assert [metric["Name"] for metric in metrics] == ["train:accuracy"]
    static = description["TrainingJobDefinition"]["StaticHyperParameters"]
    assert static == {"version": "7", "_tuning_objective_metric": "train:accuracy"}
    assert trained["TuningJobArn"] == description["HyperParameterTuningJobArn"]
    assert trained["ModelArtifacts"]["S3ModelArtifacts"].startswith(f"s3://{BUCKET}/")


INSTANCE = {"InstanceType": "ml.g4dn.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10}


@pytest.mark.parametrize(
    "resources",
    [
        INSTANCE,
        {
            "AllocationStrategy": "Prioritized",
            "InstanceConfigs": [INSTANCE, INSTANCE | {"InstanceType": "ml.g5.xlarge"}],
        },
    ],
)
def test_training_jobs_get_the_first_instance_of_the_tuning_resource_config(
    cloud: Cloud, sagemaker: Any, resources: dict[str, Any]
) -> None:
    request = tuning_request(cloud.role, 1)
    del request["TrainingJobDefinition"]["ResourceConfig"]
    request["TrainingJobDefinition"]["HyperParameterTuningResourceConfig"] = resources
    sagemaker.create_hyper_parameter_tuning_job(**request)
    description = ended(sagemaker, request)
    assert description["HyperParameterTuningJobStatus"] == "Completed", description
    assert description["TrainingJobDefinition"]["HyperParameterTuningResourceConfig"] == resources
    assert description["TrainingJobDefinition"]["ResourceConfig"] == INSTANCE
    job = sagemaker.describe_training_job(TrainingJobName=description["BestTrainingJob"]["TrainingJobName"])
    assert job["ResourceConfig"].items() >= INSTANCE.items()


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({}, "received neither"),
        ({"ResourceConfig": INSTANCE, "HyperParameterTuningResourceConfig": INSTANCE}, "received ResourceConfig and"),
        ({"HyperParameterTuningResourceConfig": {"InstanceType": "ml.g4dn.xlarge"}}, "InstanceCount"),
        ({"HyperParameterTuningResourceConfig": INSTANCE | {"InstanceConfigs": [INSTANCE]}}, "InstanceType, Inst"),
    ],
)
def test_a_tuning_job_without_one_clear_instance_is_refused(
    cloud: Cloud, sagemaker: Any, resources: dict[str, Any], message: str
) -> None:
    request = tuning_request(cloud.role)
    del request["TrainingJobDefinition"]["ResourceConfig"]
    request["TrainingJobDefinition"] |= resources
    with pytest.raises(botocore.exceptions.ClientError, match=message):
        sagemaker.create_hyper_parameter_tuning_job(**request)


def test_training_jobs_are_listed_by_their_objective(cloud: Cloud, sagemaker: Any) -> None:
    request = tuning_request(cloud.role)
    sagemaker.create_hyper_parameter_tuning_job(**request)
    ended(sagemaker, request)
    listed = jobs(sagemaker, request, SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    values = [job["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for job in listed]
    assert values == sorted(values, reverse=True)
    assert len(jobs(sagemaker, request, MaxResults=2)) == 2


def test_stopping_stops_the_training_job_that_runs(cloud: Cloud, sagemaker: Any) -> None:
    request = tuning_request(cloud.role, 5)
    request["TrainingJobDefinition"]["StaticHyperParameters"] |= {"seconds": "60"}
    sagemaker.create_hyper_parameter_tuning_job(**request)
    until(lambda: jobs(sagemaker, request))
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=request["HyperParameterTuningJobName"])
    assert ended(sagemaker, request)["HyperParameterTuningJobStatus"] == "Stopped"
    assert [job["TrainingJobStatus"] for job in jobs(sagemaker, request)] == ["Stopped"]


def test_a_search_in_which_every_job_fails_has_failed(cloud: Cloud, sagemaker: Any) -> None:
    request = tuning_request(cloud.role, 2)
    request["TrainingJobDefinition"]["StaticHyperParameters"] |= {"exit": "1"}
    sagemaker.create_hyper_parameter_tuning_job(**request)
    description = ended(sagemaker, request)
    assert description["HyperParameterTuningJobStatus"] == "Failed"
    assert "All training jobs failed" in description["FailureReason"]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"ParameterRanges": {}}, "at least one range"),
        ({"TrainingJobEarlyStoppingType": "Auto"}, "must be Off"),
        (
            {"HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "auc"}},
            "auc is not one of the algorithm's: train:accuracy",
        ),
        (
            {"ParameterRanges": {"CategoricalParameterRanges": [{"Name": "version", "Values": ["1"]}]}},
            "both a static hyperparameter and a range",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused(cloud: Cloud, sagemaker: Any, config: dict[str, Any], message: str) -> None:
    with pytest.raises(botocore.exceptions.ClientError, match=message) as caught:
        sagemaker.create_hyper_parameter_tuning_job(**tuning_request(cloud.role, **config))
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_draws_lie_within_their_ranges_and_the_seed_repeats_them() -> None:
    ranges = {
        "IntegerParameterRanges": [{"Name": "batch", "MinValue": "8", "MaxValue": "12"}],
        "ContinuousParameterRanges": [
            {"Name": "rate", "MinValue": "1e-6", "MaxValue": "0.5"},
            {"Name": "decay", "MinValue": "0.9", "MaxValue": "0.999", "ScalingType": "ReverseLogarithmic"},
        ],
        "CategoricalParameterRanges": [{"Name": "optimizer", "Values": ["sgd", "adam"]}],
    }
    draws = [sample(ranges, random.Random(seed)) for seed in range(400)]  # noqa: S311
    assert {int(draw["batch"]) for draw in draws} == {8, 9, 10, 11, 12}
    rates = sorted(float(draw["rate"]) for draw in draws)
    assert 1e-6 <= rates[0] < 1e-5 < rates[200] < 1e-2 < rates[-1] <= 0.5
    assert all(0.9 <= float(draw["decay"]) <= 0.999 for draw in draws)
    assert {draw["optimizer"] for draw in draws} == {"sgd", "adam"}
    assert sample(ranges, random.Random(3)) == draws[3]  # noqa: S311
