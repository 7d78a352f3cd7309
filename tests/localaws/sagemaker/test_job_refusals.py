"""Jobs and models that cannot run are refused, or fail with SageMaker's reason."""

from typing import Any

import pytest

from tests.localaws.sagemaker.builders import (
    BUCKET,
    IMAGE,
    POLICY,
    Cloud,
    finished,
    make_role,
    refused,
    training_request,
    unique,
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"EnableManagedSpotTraining": True}, "Invalid MaxWaitTimeInSeconds. It must be present and be greater"),
        (
            {"EnableManagedSpotTraining": True,
             "StoppingCondition": {"MaxRuntimeInSeconds": 9, "MaxWaitTimeInSeconds": 8}},
            "greater than or equal to MaxRuntimeInSeconds (9)",
        ),
        (
            {"AlgorithmSpecification": {"TrainingImage": "1.dkr/xgboost:1", "TrainingInputMode": "File"}},
            "run here: image-classification, pytorch-inference, pytorch-training, toy.",
        ),
        (
            {"AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "Pipe"}},
            "toy reads its channels in File mode",
        ),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 2419201}}, "must be at most 2419200"),
        ({"OutputDataConfig": {"S3OutputPath": "https://images/x"}}, "must have the form s3://bucket/key."),
        (
            {"CheckpointConfig": {"S3Uri": "s3://images/x", "LocalPath": "/opt/ml/../tmp"}},
            "CheckpointConfig.LocalPath must be a folder below /opt/ml in localaws, not /opt/tmp.",
        ),
    ],
)  # fmt: skip
def test_a_job_that_cannot_run_is_refused(cloud: Cloud, sagemaker: Any, changes: dict[str, Any], expected: str) -> None:
    code, message = refused(sagemaker.create_training_job, **training_request(cloud.role, **changes))
    assert code == "ValidationException"
    assert expected in message


def test_a_second_instance_is_beyond_the_quota(cloud: Cloud, sagemaker: Any) -> None:
    resources = {"InstanceType": "ml.g4dn.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 10}
    code, message = refused(sagemaker.create_training_job, **training_request(cloud.role, ResourceConfig=resources))
    assert code == "ResourceLimitExceeded"
    assert "'ml.g4dn.xlarge for training job usage' is 1 Instances" in message


@pytest.mark.parametrize("uri", [f"s3://{BUCKET}/open/empty/", "s3://no-such-bucket/x"])
def test_a_channel_without_objects_is_refused_as_sagemaker_does(cloud: Cloud, sagemaker: Any, uri: str) -> None:
    request = training_request(cloud.role)
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = uri
    code, message = refused(sagemaker.create_training_job, **request)
    assert code == "ValidationException"
    assert message.startswith(f'No S3 objects found under S3 URL "{uri}" given in input data source.')


def test_objects_the_role_may_not_read_fail_the_job(cloud: Cloud, sagemaker: Any) -> None:
    cloud.client("s3").put_object(Bucket=BUCKET, Key="closed/channel/x.jpg", Body=b"x")
    request = training_request(cloud.role)
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{BUCKET}/closed/channel/"
    sagemaker.create_training_job(**request)
    reason = finished(sagemaker, request["TrainingJobName"])["FailureReason"]
    assert reason.startswith(
        "ClientError: Data download failed: Unable to download object s3://images/closed/channel/x.jpg (AccessDenied: "
    )


def test_an_output_the_role_may_not_write_fails_the_job(cloud: Cloud, sagemaker: Any) -> None:
    request = training_request(cloud.role, OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/closed"})
    sagemaker.create_training_job(**request)
    reason = finished(sagemaker, request["TrainingJobName"])["FailureReason"]
    assert reason.startswith("ClientError: Artifact upload failed: Unable to upload file to s3://images/closed/")


def test_a_content_type_the_algorithm_does_not_take_fails_the_job(cloud: Cloud, sagemaker: Any) -> None:
    request = training_request(cloud.role)
    request["InputDataConfig"][0]["ContentType"] = "text/csv"
    sagemaker.create_training_job(**request)
    assert (
        "'text/csv' (channel train) is not one of" in finished(sagemaker, request["TrainingJobName"])["FailureReason"]
    )


def test_a_role_that_does_not_trust_sagemaker_is_refused(cloud: Cloud, sagemaker: Any) -> None:
    role = make_role(cloud.client("iam"), unique("role"), "lambda.amazonaws.com", POLICY)
    code, message = refused(sagemaker.create_training_job, **training_request(role))
    assert (code, message.split(".")[0]) == ("ValidationException", f"Could not assume role {role}")


def test_a_model_without_its_artifact_is_refused(cloud: Cloud, sagemaker: Any) -> None:
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/open/models/none.tar.gz"}
    request = {"ModelName": "m", "PrimaryContainer": container, "ExecutionRoleArn": cloud.role}
    assert refused(sagemaker.create_model, **request) == (
        "ValidationException",
        f"Could not find model data at s3://{BUCKET}/open/models/none.tar.gz.",
    )
