"""An image that is too large for a request reaches the model through an S3 that checks signatures and grants."""

import gzip
import json
import urllib.error
import urllib.request
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
from inference_proxy.routes import OPENAPI

from radiograph import MAX_BYTES, MAX_UPLOAD_BYTES, encode, phantom, standardise
from tests.localaws.server.builders import Server
from tests.ports import free_port

from .conftest import ENVIRONMENT, Ask
from .events import encoded_image, event, get, post
from .hostile import announce, assert_problem, reference
from .runtime import Reply, Runtime

BUCKET = ENVIRONMENT["UPLOAD_BUCKET"]
COMPONENTS: dict[str, Any] = json.loads(OPENAPI.read_text(encoding="utf-8"))["components"]


@pytest.fixture(scope="module")
def cloud(server: Server) -> Server:
    server.client("s3").create_bucket(Bucket=BUCKET)
    return server


@pytest.fixture
def bucket(cloud: Server, runtime: Runtime, environment: pytest.MonkeyPatch) -> Any:
    """The account's S3, in which the function has the grants of its role in infra/."""
    grants = {
        "Effect": "Allow",
        "Action": ["s3:PutObject", "s3:GetObject"],
        "Resource": f"arn:aws:s3:::{BUCKET}/uploads/*",
    }
    evaluation = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/training/job/*"}
    key, secret, token = cloud.role(f"proxy-{id(environment)}", grants, evaluation)
    environment.setenv("AWS_ENDPOINT_URL_S3", f"http://localhost:{cloud.port}")
    environment.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", runtime.url)
    environment.setenv("AWS_REGION", "us-east-1")
    environment.setenv("AWS_ACCESS_KEY_ID", key)
    environment.setenv("AWS_SECRET_ACCESS_KEY", secret)
    environment.setenv("AWS_SESSION_TOKEN", token)
    return cloud.client("s3")


def put(upload: dict[str, Any], body: bytes, **headers: str) -> int:
    """Upload an image to a URL of POST /uploads; return the status."""
    request = urllib.request.Request(upload["url"], body, {**upload["headers"], **headers}, method=upload["method"])  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def png_above_the_limit() -> bytes:
    """Return an image with more bytes than a request can have."""
    buffer = BytesIO()
    phantom.draw(3, True).resize((2600, 2000)).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


def test_an_image_above_the_limit_of_a_request_is_predicted_after_an_upload(
    ask: Ask, bucket: Any, runtime: Runtime
) -> None:
    image = png_above_the_limit()
    assert len(image) > MAX_BYTES
    announced = ask(announce(content_type="image/png", bytes=len(image)))
    upload = announced.body
    assert (announced.status, upload["expires_in"], upload["method"]) == (201, 900, "PUT")
    assert put(upload, image) == 200
    response = ask(reference(upload["upload_id"]))
    assert (response.status, response.body["label"]) == (200, "PNEUMONIA")
    assert runtime.received[-1].body == encode(standardise(image, max_bytes=None))
    objects = bucket.list_objects_v2(Bucket=BUCKET, Prefix="uploads/")["Contents"]
    assert f"uploads/{upload['upload_id']}" in [item["Key"] for item in objects]


@pytest.mark.parametrize(
    ("region", "host"), [("eu-west-1", "s3.eu-west-1.amazonaws.com"), ("cn-north-1", "s3.cn-north-1.amazonaws.com.cn")]
)
def test_on_aws_an_upload_goes_to_the_buckets_own_host(
    ask: Ask, environment: pytest.MonkeyPatch, region: str, host: str
) -> None:
    environment.setenv("AWS_REGION", region)
    environment.delenv("AWS_ENDPOINT_URL")
    upload = ask(announce(content_type="image/png", bytes=100)).body
    url = urlsplit(upload["url"])
    assert (url.scheme, url.netloc, url.path) == ("https", f"{BUCKET}.{host}", f"/uploads/{upload['upload_id']}")


def test_an_object_above_the_limit_of_an_upload_is_refused(ask: Ask, bucket: Any, runtime: Runtime) -> None:
    bucket.put_object(Bucket=BUCKET, Key=f"uploads/{'1' * 32}", Body=bytes(MAX_UPLOAD_BYTES + 1))
    assert_problem(ask(reference("1" * 32)), 413, "too_large")
    assert runtime.received == []


@pytest.mark.parametrize(
    ("headers", "body"),
    [({"Content-Type": "text/html"}, b"x" * 100), ({}, b"x" * 101), ({"Content-Length": "101"}, b"x" * 101)],
)
@pytest.mark.usefixtures("bucket")
def test_an_upload_of_another_type_or_size_than_announced_is_refused_by_s3(
    ask: Ask, headers: dict[str, str], body: bytes
) -> None:
    upload = ask(announce(content_type="image/png", bytes=100)).body
    del upload["headers"]["Content-Length"]
    assert put(upload, body, **headers) == 403


@pytest.mark.usefixtures("bucket")
def test_an_id_without_an_upload_is_not_found(ask: Ask, runtime: Runtime) -> None:
    upload = ask(announce(content_type="image/png", bytes=100)).body
    assert_problem(ask(reference(upload["upload_id"])), 404, "upload_not_found")
    assert_problem(ask(reference("0" * 32)), 404, "upload_not_found")
    assert runtime.received == []


@pytest.mark.usefixtures("bucket")
def test_an_uploaded_file_is_checked_like_any_other(ask: Ask, runtime: Runtime) -> None:
    upload = ask(announce(content_type="image/png", bytes=5)).body
    assert put(upload, b"hello") == 200
    assert_problem(ask(reference(upload["upload_id"])), 415, "unsupported_format")
    assert runtime.received == []


def test_an_upload_is_not_decompressed(ask: Ask, bucket: Any, runtime: Runtime) -> None:
    """A Content-Encoding is not signed: S3 stores the uploader's and returns it."""
    upload = ask(announce(content_type="image/png", bytes=5)).body
    bucket.put_object(
        Bucket=BUCKET,
        Key=f"uploads/{upload['upload_id']}",
        Body=gzip.compress(encoded_image("PNG")),
        ContentEncoding="gzip",
    )
    assert_problem(ask(reference(upload["upload_id"])), 415, "unsupported_format")
    assert runtime.received == []


@pytest.mark.usefixtures("bucket")
def test_an_uploaded_image_can_be_explained(ask: Ask) -> None:
    image = png_above_the_limit()
    upload = ask(announce(content_type="image/png", bytes=len(image))).body
    assert put(upload, image) == 200
    request = reference(upload["upload_id"]) | {"resource": "/explain", "path": "/explain"}
    assert ask(request).body["heat_map"]["complete"] is True


def test_the_model_is_described_with_its_evaluation_and_a_link_to_its_report(
    ask: Ask, bucket: Any, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("EVALUATION_URI", f"s3://{BUCKET}/training/job/output/")
    environment.setenv("LEASE_SCHEDULE", "")
    cost = {"per_hour": 0.115, "per_inference_second": None, "currency": "USD", "what": "1 x ml.m5.large",
            "price_region": "us-east-1", "read": "2026-09-28"}  # fmt: skip
    environment.setenv("ENDPOINT_COST", json.dumps(cost))
    estimates = {"AUROC": {"value": 0.98, "low": 0.96, "high": 0.99, "n": 335}}
    external = {"collection": "nih", "images": 400, "unknown_patients": 0, "missing": 0, "metrics": estimates}
    public = {"splits": {"test": estimates}, "external": {"nih/0123": external}}
    metrics = public | {"worst": {"a": 1}, "missing": {"test/NORMAL/a.jpg": "no output"}}
    bucket.put_object(Bucket=BUCKET, Key="training/job/output/metrics.json", Body=json.dumps(metrics).encode())
    bucket.put_object(Bucket=BUCKET, Key="training/job/output/report.html", Body=b"<!doctype html>")
    response = ask(get("/model"))
    assert response.status == 200
    assert response.body["evaluation"] == public
    assert (response.body["cost"], response.body["lease"]) == (cost, None)
    jsonschema.validate(response.body, COMPONENTS["schemas"]["Model"] | {"components": COMPONENTS})
    assert response.body["endpoint"] == {"name": "pneumonia-test"}
    with urllib.request.urlopen(response.body["report_url"], timeout=10) as report:  # noqa: S310
        assert report.read() == b"<!doctype html>"


@pytest.mark.usefixtures("bucket")
def test_a_model_without_an_evaluation_is_described_without_one(ask: Ask, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("EVALUATION_URI", f"s3://{BUCKET}/training/other/output/")
    response = ask(get("/model"))
    assert (response.status, response.body["evaluation"], response.body["report_url"]) == (200, None, None)


def test_a_storage_that_does_not_answer_is_a_problem(ask: Ask, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    response = ask(reference("0" * 32))
    assert_problem(response, 503, "storage_unavailable")
    assert response.headers["Retry-After"] == "5"


def test_a_storage_that_stalls_is_not_asked_again(ask: Ask, runtime: Runtime) -> None:
    runtime.replies.append(Reply(seconds=1.0))
    assert_problem(ask(reference("0" * 32), seconds=0.7), 503, "storage_unavailable")
    assert len(runtime.received) == 1


def test_a_connection_that_the_storage_has_closed_is_replaced_once(ask: Ask, runtime: Runtime) -> None:
    runtime.replies.extend([Reply(reset=True), Reply(404)])
    assert_problem(ask(reference("0" * 32)), 404, "upload_not_found")
    assert len(runtime.received) == 2


def test_an_image_in_the_body_needs_no_storage(ask: Ask, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    assert ask(event("predict_jpeg")).status == 200
    assert ask(post(b"x")).status == 415
