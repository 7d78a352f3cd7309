"""The stand-in for Image Classification: a training job, its artifact, a transform job and an endpoint."""

import io
import json
import random
import tarfile
from typing import Any

import pytest
from PIL import Image

from tests.localaws.sagemaker.builders import (
    BUCKET,
    Cloud,
    finished,
    make_config,
    make_endpoint,
    refused,
    training_request,
    transform_request,
    unique,
    until,
)
from tests.network import mxnet_builders

IMAGE = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"
SIDE = 28
IMAGES = 8
"""Images of each channel, half of each class."""


def image(dark: bool, seed: int) -> bytes:
    """Return a small JPEG: noise about a dark or a bright level."""
    noise = random.Random(seed)  # noqa: S311 (test images)
    level = 60 if dark else 190
    pixels = bytes(level + noise.randrange(-20, 20) for _ in range(SIDE * SIDE))
    content = io.BytesIO()
    Image.frombytes("L", (SIDE, SIDE), pixels).convert("RGB").save(content, "JPEG")
    return content.getvalue()


def channels(cloud: Cloud) -> list[dict[str, Any]]:
    """Upload both image channels and their lists; return InputDataConfig."""
    s3, names = cloud.client("s3"), []
    for number, channel in enumerate(("train", "validation")):
        lines = []
        for index in range(IMAGES):
            s3.put_object(
                Bucket=BUCKET, Key=f"open/ic/{channel}/{index}.jpg", Body=image(index % 2 == 0, 100 * number + index)
            )
            lines.append(f"{index}\t{index % 2}\t{index}.jpg")
        s3.put_object(Bucket=BUCKET, Key=f"open/ic/{channel}_lst/{channel}.lst", Body="\n".join(lines).encode())
        names += [channel, f"{channel}_lst"]
    return [
        {
            "ChannelName": name,
            "ContentType": "application/x-image",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/open/ic/{name}/"}},
        }
        for name in names
    ]


@pytest.fixture(scope="module")
def job(cloud: Cloud) -> dict[str, Any]:
    """Train for two epochs."""
    request = training_request(
        cloud.role,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        InputDataConfig=channels(cloud),
        HyperParameters={
            "num_classes": "2",
            "num_training_samples": str(IMAGES),
            "num_layers": "20",
            "image_shape": f"3,{SIDE},{SIDE}",
            "mini_batch_size": "4",
            "epochs": "2",
            "use_pretrained_model": "0",
        },
    )
    cloud.client("sagemaker").create_training_job(**request)
    return finished(cloud.client("sagemaker"), request["TrainingJobName"], 60)


@pytest.fixture(scope="module")
def model(cloud: Cloud, job: dict[str, Any]) -> str:
    name, container = unique("model"), {"Image": IMAGE, "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]}
    cloud.client("sagemaker").create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=cloud.role)
    return name


def test_a_real_job_trains_and_its_metrics_are_those_of_its_log(cloud: Cloud, job: dict[str, Any]) -> None:
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    lines = cloud.events("/aws/sagemaker/TrainingJobs", f"{job['TrainingJobName']}/")
    assert any("stand-in" in line for line in lines)
    for metric, label in (("train:accuracy", "Train-accuracy"), ("validation:accuracy", "Validation-accuracy")):
        logged = [line.rpartition("=")[2] for line in lines if f"] {label}=" in line]
        final = next(entry["Value"] for entry in job["FinalMetricDataList"] if entry["MetricName"] == metric)
        assert len(logged) == 2
        assert final == pytest.approx(float(logged[-1]))


def test_the_artifact_is_a_flat_archive(cloud: Cloud, job: dict[str, Any]) -> None:
    key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{BUCKET}/")
    archive = cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        names = files.getnames()
    assert "model.onnx" in names
    assert all("/" not in name for name in names)


def test_the_endpoint_and_the_transform_give_the_same_probabilities(cloud: Cloud, model: str) -> None:
    endpoint = make_endpoint(cloud, make_config(cloud, model))
    answer = cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, Body=image(True, 100), ContentType="image/jpeg"
    )
    served = json.loads(answer["Body"].read())
    assert sum(served) == pytest.approx(1)

    request, sagemaker = transform_request(model, "ic/validation/"), cloud.client("sagemaker")
    request["TransformOutput"]["Accept"] = "application/jsonlines"
    sagemaker.create_transform_job(**request)
    name = request["TransformJobName"]
    until(lambda: sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"] == "Completed", 20)
    body = cloud.client("s3").get_object(Bucket=BUCKET, Key=f"open/out/{name}/0.jpg.out")["Body"].read()
    assert json.loads(body)["prediction"] == pytest.approx(served)


def test_an_artifact_that_aws_trained_is_served_with_the_probabilities_of_its_network(cloud: Cloud) -> None:
    name, key, network = unique("mxnet"), "open/models/mxnet.tar.gz", mxnet_builders.small()
    artifact = mxnet_builders.packed(mxnet_builders.files(network))
    cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=artifact)
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{key}"}
    cloud.client("sagemaker").create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=cloud.role)
    endpoint = make_endpoint(cloud, make_config(cloud, name))
    pixels = mxnet_builders.pixels()
    for image_pixels, expected in zip(pixels, mxnet_builders.expected(network, pixels), strict=True):
        body = io.BytesIO()
        Image.fromarray(image_pixels).save(body, "PNG")
        answer = cloud.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, Body=body.getvalue(), ContentType="image/png"
        )
        assert json.loads(answer["Body"].read()) == pytest.approx(expected.tolist(), abs=1e-5)


def test_a_hyperparameter_out_of_range_fails_the_job_naming_it(cloud: Cloud, job: dict[str, Any]) -> None:
    request = training_request(
        cloud.role,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        InputDataConfig=job["InputDataConfig"],
        HyperParameters=job["HyperParameters"] | {"epochs": "none"},
    )
    cloud.client("sagemaker").create_training_job(**request)
    reason = finished(cloud.client("sagemaker"), request["TrainingJobName"], 30)["FailureReason"]
    assert reason.startswith("ClientError: ")
    assert "epochs" in reason


@pytest.mark.parametrize("instance", ["ml.m5.large", "ml.g6.xlarge"])
def test_the_built_in_algorithm_trains_on_documented_gpu_instances_only(cloud: Cloud, instance: str) -> None:
    request = training_request(
        cloud.role,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        ResourceConfig={"InstanceType": instance, "InstanceCount": 1, "VolumeSizeInGB": 10},
    )
    code, message = refused(cloud.client("sagemaker").create_training_job, **request)
    assert code == "ValidationException"
    assert f"Instance type {instance} is not supported by algorithm image-classification" in message
