"""The network in SageMaker's PyTorch containers: a training job, its artifact, an endpoint and a transform job."""

import io
import json
import tarfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.image_classification.builders import image, write_root
from tests.localaws.sagemaker.builders import (
    BUCKET,
    Cloud,
    finished,
    make_config,
    make_endpoint,
    training_request,
    transform_request,
    unique,
    until,
)
from tests.network.builders import SMALL, source_archive

REGISTRY = "763104351884.dkr.ecr.us-east-1.amazonaws.com"
TRAINING = f"{REGISTRY}/pytorch-training:2.6.0-cpu-py312-ubuntu22.04-sagemaker"
INFERENCE = f"{REGISTRY}/pytorch-inference:2.6.0-cpu-py312-ubuntu22.04-sagemaker"
METRIC = {"Name": "validation:accuracy", "Regex": "Validation-accuracy=([0-9.]+)"}
CODE = "open/code/sourcedir.tar.gz"


def channel(name: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/open/pytorch/{name}/"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "ContentType": "application/octet-stream"}


@pytest.fixture(scope="module")
def request_of(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Upload the channels and the source; return a function that builds a request."""
    data = write_root(tmp_path_factory.mktemp("pytorch")) / "input/data"
    for path in data.rglob("*.*"):
        key = f"open/pytorch/{path.relative_to(data).as_posix()}"
        cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
    cloud.client("s3").put_object(Bucket=BUCKET, Key=CODE, Body=source_archive())

    def build(code: str = CODE, **hyperparameters: Any) -> dict[str, Any]:
        values = SMALL | hyperparameters | {
            "sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://{BUCKET}/{code}",
        }  # fmt: skip
        return training_request(
            cloud.role,
            AlgorithmSpecification={"TrainingImage": TRAINING, "TrainingInputMode": "File",
                                    "MetricDefinitions": [METRIC]},
            ResourceConfig={"InstanceType": "ml.m5.4xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
            InputDataConfig=[channel(path.name) for path in sorted(data.iterdir())],
            HyperParameters={name: json.dumps(value) for name, value in values.items()},
        )  # fmt: skip

    return build


@pytest.fixture(scope="module")
def job(cloud: Cloud, request_of: Any) -> dict[str, Any]:
    """Train for two epochs."""
    request = request_of(epochs=2)
    cloud.client("sagemaker").create_training_job(**request)
    return finished(cloud.client("sagemaker"), request["TrainingJobName"], 120)


@pytest.fixture(scope="module")
def model(cloud: Cloud, job: dict[str, Any]) -> str:
    name = unique("model")
    container = {
        "Image": INFERENCE,
        "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"],
        "Environment": {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
    }
    cloud.client("sagemaker").create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=cloud.role)
    return name


def encoded(label: int) -> bytes:
    buffer = io.BytesIO()
    image(label, 3).save(buffer, "JPEG")
    return buffer.getvalue()


def test_the_metrics_of_the_request_are_read_from_the_scripts_log(cloud: Cloud, job: dict[str, Any]) -> None:
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    lines = cloud.events("/aws/sagemaker/TrainingJobs", f"{job['TrainingJobName']}/")
    logged = [line.rpartition("=")[2] for line in lines if "] Validation-accuracy=" in line]
    assert len(logged) == 2
    (metric,) = job["FinalMetricDataList"]
    assert (metric["MetricName"], metric["Value"]) == ("validation:accuracy", pytest.approx(float(logged[-1])))


def test_the_artifact_holds_weights_and_code(cloud: Cloud, job: dict[str, Any]) -> None:
    key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{BUCKET}/")
    archive = cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        assert {"weights.pt", "code/inference.py", "code/network/networks.py"} <= set(files.getnames())


@pytest.fixture(scope="module")
def endpoint(cloud: Cloud, model: str) -> str:
    return make_endpoint(cloud, make_config(cloud, model), 120)


def invoke(cloud: Cloud, endpoint: str, **parameters: Any) -> tuple[str, Any]:
    runtime = cloud.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=endpoint, **({"Body": encoded(1)} | parameters))
    return answer["ContentType"], json.loads(answer["Body"].read())


def test_endpoints_and_a_transform_job_answer_as_the_built_in_algorithm_does(
    cloud: Cloud, model: str, endpoint: str
) -> None:
    kind, served = invoke(cloud, endpoint, ContentType="image/jpeg")
    assert kind == "application/json"
    assert sum(served) == pytest.approx(1)
    line = invoke(cloud, endpoint, ContentType="application/x-image", Accept="application/jsonlines")
    assert line == ("application/jsonlines", {"prediction": served})
    serverless = make_endpoint(cloud, make_config(cloud, model, serverless=True), 120)
    assert invoke(cloud, serverless, ContentType="image/jpeg") == (kind, served)

    cloud.client("s3").put_object(Bucket=BUCKET, Key="open/scored/1.jpg", Body=encoded(1))
    request, sagemaker = transform_request(model, "scored/"), cloud.client("sagemaker")
    sagemaker.create_transform_job(**request)
    name = request["TransformJobName"]
    until(lambda: sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"] == "Completed", 120)
    body = cloud.client("s3").get_object(Bucket=BUCKET, Key=f"open/out/{name}/1.jpg.out")["Body"].read()
    assert json.loads(body) == pytest.approx(served)


@pytest.mark.parametrize(
    ("status", "parameters"),
    [
        (400, {"ContentType": "image/png", "Body": b"no image"}),
        (413, {"ContentType": "image/png", "Body": bytes(6_553_501)}),
        (415, {"ContentType": "application/pdf"}),
        (500, {"ContentType": "text/csv"}),
    ],
)
def test_a_request_that_the_container_refuses_has_its_status(
    cloud: Cloud, endpoint: str, status: int, parameters: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as caught:
        invoke(cloud, endpoint, **parameters)
    assert caught.value.response["Error"]["Code"] == "ModelError"
    assert caught.value.response["OriginalStatusCode"] == status  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"colour": "blue"}, ["AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage", "colour"]),
        ({"code": "open/code/missing.tar.gz"}, ["AlgorithmError: framework error", "open/code/missing.tar.gz"]),
    ],
)
def test_a_job_that_fails_has_the_toolkits_reason(
    cloud: Cloud, request_of: Any, changes: dict[str, Any], parts: list[str]
) -> None:
    request = request_of(**changes)
    cloud.client("sagemaker").create_training_job(**request)
    reason = finished(cloud.client("sagemaker"), request["TrainingJobName"], 120)["FailureReason"]
    assert [part for part in parts if part not in reason] == []
    assert reason.endswith(", exit code: 1")
