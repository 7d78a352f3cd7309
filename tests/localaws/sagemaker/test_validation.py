"""Requests are checked against the API model, with errors in AWS's words."""

from typing import Any

import pytest

from localaws.errors import ServiceError
from localaws.sagemaker.checks.constraints import validate
from tests.localaws.sagemaker.builders import training_request

ROLE = "arn:aws:iam::000000000000:role/execution"


def request(**changes: Any) -> dict[str, Any]:
    return training_request(ROLE, **changes)


def message(operation: str, payload: dict[str, Any]) -> str:
    with pytest.raises(ServiceError) as caught:
        validate(operation, payload)
    assert (caught.value.code, caught.value.status) == ("ValidationException", 400)
    return caught.value.message


def test_a_good_request_passes() -> None:
    validate("CreateTrainingJob", request(Tags=[{"Key": "owner", "Value": "Zoë Müller / x+y"}]))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"RoleArn": None}, "Value null at 'roleArn' failed to satisfy constraint: Member must not be null"),
        (
            {"TrainingJobName": "a_b"},
            "Value 'a_b' at 'trainingJobName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        ),
        ({"TrainingJobName": "a\n"}, "at 'trainingJobName' failed to satisfy constraint: Member must satisfy regular"),
        ({"TrainingJobName": "a" * 64}, "Member must have length less than or equal to 63"),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 0}},
            "Value '0' at 'stoppingCondition.maxRuntimeInSeconds' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1",
        ),
        (
            {"HyperParameters": {"k": "v" * 2501}},
            "at 'hyperParameters' failed to satisfy constraint: Map value must satisfy constraint: "
            "[Member must have length less than or equal to 2500]",
        ),
        (
            {"AlgorithmSpecification": {"TrainingImage": "toy:1", "TrainingInputMode": "Disk"}},
            "Value 'Disk' at 'algorithmSpecification.trainingInputMode' failed to satisfy constraint: "
            "Member must satisfy enum value set: [Pipe, File, FastFile]",
        ),
        ({"Tags": [{"Key": "a?", "Value": "b"}]}, "Value 'a?' at 'tags.1.member.key' failed to satisfy constraint:"),
        ({"Tags": [{"Key": "project", "Value": value} for value in "ab"]}, "Duplicate tag key: project"),
        ({"HyperParameters": {"epochs": 3}}, "Invalid type for parameter HyperParameters.epochs, value: 3"),
        ({"Typo": 1}, 'Unknown parameter in input: "Typo"'),
    ],
)
def test_each_broken_constraint_is_named(changes: dict[str, Any], expected: str) -> None:
    assert expected in message("CreateTrainingJob", request(**changes))


def test_the_range_of_a_transform_and_every_problem_at_once() -> None:
    problems = message(
        "CreateTransformJob",
        {
            "TransformJobName": "job",
            "ModelName": "model",
            "ModelClientConfig": {"InvocationsMaxRetries": 4},
            "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "http//x"}}},
            "TransformOutput": {"S3OutputPath": "s3://b"},
            "TransformResources": {"InstanceType": "ml.huge", "InstanceCount": 1},
        },
    )
    assert problems.startswith("3 validation errors detected: ")
    assert "Value '4' at 'modelClientConfig.invocationsMaxRetries' failed to satisfy constraint: " in problems
    assert "Value 'ml.huge' at 'transformResources.instanceType'" in problems
