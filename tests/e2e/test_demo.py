"""The whole path over real HTTP: deployments, a job that trained, a transform, an endpoint, the REST API."""

import json
import os
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

import botocore.exceptions
import pytest

from radiograph import standardise

from .conftest import STAGE, Cloud

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    body: dict[str, Any]


def post(cloud: Cloud, body: bytes, *, key: str | None = None, content_type: str = "image/jpeg") -> Answer:
    headers = {"Content-Type": content_type, "x-api-key": cloud.api.key if key is None else key}
    request = urllib.request.Request(cloud.api.url + "predict", data=body, headers=headers, method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return Answer(response.status, response.headers["Content-Type"], json.load(response))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers["Content-Type"], json.load(error))


def test_the_demo_prints_each_metric_with_n_and_interval(cloud: Cloud) -> None:
    for metric in ("AUC", "Accuracy", "Sensitivity", "Specificity"):
        pattern = rf"^{metric} +[01]\.\d+ +\[\d\.\d+, \d\.\d+\] +\d+ (films|patients)$"
        assert re.search(pattern, cloud.demo_output, re.MULTILINE), f"no {metric} in:\n{cloud.demo_output}"


def test_the_model_tells_normal_phantoms_from_pneumonia_phantoms(cloud: Cloud) -> None:
    normal = [post(cloud, film).body["probability"] for film in cloud.films("NORMAL")]
    pneumonia = [post(cloud, film).body["probability"] for film in cloud.films("PNEUMONIA")]
    assert sum(pneumonia) / len(pneumonia) > sum(normal) / len(normal) + 0.2


def test_a_film_arrives_at_the_endpoint_byte_for_byte(cloud: Cloud) -> None:
    film = cloud.films("PNEUMONIA")[0]
    through_api = post(cloud, film)
    runtime = cloud.session.client("sagemaker-runtime")
    direct = runtime.invoke_endpoint(
        EndpointName=f"pneumonia-{STAGE}", ContentType="image/jpeg", Body=standardise(film)
    )
    scores = json.loads(direct["Body"].read())
    assert through_api.status == 200
    assert through_api.body["probability"] == pytest.approx(scores[1], abs=1e-9)


def test_a_wrong_key_is_refused(cloud: Cloud) -> None:
    answer = post(cloud, cloud.films("NORMAL")[0], key="wrong-key-of-the-right-length")
    assert (answer.status, answer.body["status"]) == (403, 403)
    assert answer.content_type.startswith("application/problem+json")


def test_an_eleven_megabyte_body_is_too_large_for_the_gateway(cloud: Cloud) -> None:
    answer = post(cloud, os.urandom(11 * 1024 * 1024))
    assert (answer.status, answer.body["code"]) == (413, "too_large")
    assert "4,400,000 bytes" in answer.body["detail"]


def test_a_second_demo_at_once_stops_at_the_taken_port(cloud: Cloud) -> None:
    port = cloud.env["AWS_ENDPOINT_URL"].rpartition(":")[2]
    done = cloud.run("python", "-m", "localaws.demo", "--once", "--port", port)
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken" in done.stderr


def test_a_five_megabyte_film_is_refused_with_the_limit(cloud: Cloud) -> None:
    answer = post(cloud, b"\xff\xd8\xff" + os.urandom(5_000_000))
    assert answer.status == 413


def test_a_broken_jpeg_is_refused_with_a_code_and_a_sentence(cloud: Cloud) -> None:
    answer = post(cloud, cloud.films("NORMAL")[0][:2000])
    assert answer.status == 400
    assert answer.content_type.startswith("application/problem+json")
    assert answer.body["code"]
    assert answer.body["detail"].endswith(".")


def test_an_unknown_endpoint_is_a_validation_error(cloud: Cloud) -> None:
    runtime = cloud.session.client("sagemaker-runtime")
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        runtime.invoke_endpoint(EndpointName="no-such-endpoint", ContentType="image/jpeg", Body=b"x")
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert "no-such-endpoint" in caught.value.response["Error"]["Message"]


def test_a_second_preparation_uploads_nothing(cloud: Cloud) -> None:
    s3 = cloud.session.client("s3")
    before = {
        item["Key"]: item["LastModified"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=cloud.data_bucket, Prefix="datasets/")
        for item in page["Contents"]
        if item["Key"] != "datasets/latest.json"
    }
    again = cloud.run("python", "-m", "ml.prepare", "--stage", STAGE, "--source", "phantom")
    assert again.returncode == 0, again.stderr
    after = {
        item["Key"]: item["LastModified"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=cloud.data_bucket, Prefix="datasets/")
        for item in page["Contents"]
        if item["Key"] != "datasets/latest.json"
    }
    assert after == before


def test_a_second_deploy_finds_no_differences(cloud: Cloud) -> None:
    again = cloud.run("cdk", "diff", "--fail", "--context", f"stage={STAGE}")
    assert again.returncode == 0, again.stdout + again.stderr


def test_destroy_leaves_nothing(cloud: Cloud) -> None:
    """Runs last: it takes down what the tests above use."""
    done = cloud.run("cdk", "destroy", "--all", "--force", "--context", f"stage={STAGE}")
    assert done.returncode == 0, done.stdout + done.stderr
    client = cloud.session.client
    sagemaker = client("sagemaker")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert sagemaker.list_models()["Models"] == []
    assert client("lambda").list_functions()["Functions"] == []
    assert client("apigateway").get_rest_apis()["items"] == []
    assert client("apigateway").get_api_keys()["items"] == []
    assert [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"] if "cdk-" not in bucket["Name"]] == []
    roles = [role["RoleName"] for role in client("iam").list_roles()["Roles"]]
    assert [name for name in roles if name.startswith("Pneumonia-")] == []
