"""An image too large for a request reaches the model by way of S3: a real one, which checks signatures and grants."""

import gzip
import json
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import jsonschema
import pytest
from inference_proxy.routes import OPENAPI

from radiograph import MAX_BYTES, phantom, standardise
from tests.localaws.server.builders import Server
from tests.ports import free_port

from .conftest import ENVIRONMENT, Ask
from .events import encoded_image, event, post
from .hostile import announce, assert_problem, reference
from .runtime import Runtime

BUCKET = ENVIRONMENT["UPLOAD_BUCKET"]
DOCUMENT: dict[str, Any] = json.loads(OPENAPI.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("uploads") / "state", free_port())
    running.start()
    running.client("s3").create_bucket(Bucket=BUCKET)
    yield running
    running.end(signal.SIGTERM)


@pytest.fixture
def bucket(cloud: Server, runtime: Runtime, environment: pytest.MonkeyPatch) -> Any:
    """The account's S3, in which the function may do what its role in infra/ may."""
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


def put(place: dict[str, Any], body: bytes, **headers: str) -> int:
    """Send an image where POST /uploads said; return the status."""
    request = urllib.request.Request(place["url"], body, {**place["headers"], **headers}, method=place["method"])  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def png_above_the_limit() -> bytes:
    """An image of more bytes than a request may have."""
    buffer = BytesIO()
    phantom.draw(3, True).resize((2600, 2000)).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


def test_an_image_above_the_limit_of_a_request_is_read_by_way_of_an_upload(
    ask: Ask, bucket: Any, runtime: Runtime
) -> None:
    image = png_above_the_limit()
    assert len(image) > MAX_BYTES
    place = ask(announce(content_type="image/png", bytes=len(image)))
    assert (place.status, place.body["expires_in"], place.body["method"]) == (201, 900, "PUT")
    assert put(place.body, image) == 200
    found = ask(reference(place.body["upload_id"]))
    assert (found.status, found.body["label"]) == (200, "PNEUMONIA")
    assert runtime.received[-1].body == standardise(image, max_bytes=None)
    kept = bucket.list_objects_v2(Bucket=BUCKET, Prefix="uploads/")["Contents"]
    assert f"uploads/{place.body['upload_id']}" in [item["Key"] for item in kept]


@pytest.mark.parametrize(
    ("headers", "body"),
    [({"Content-Type": "text/html"}, b"x" * 100), ({}, b"x" * 101), ({"Content-Length": "101"}, b"x" * 101)],
)
@pytest.mark.usefixtures("bucket")
def test_an_upload_of_another_type_or_size_than_announced_is_refused_by_s3(
    ask: Ask, headers: dict[str, str], body: bytes
) -> None:
    place = ask(announce(content_type="image/png", bytes=100)).body
    del place["headers"]["Content-Length"]
    assert put(place, body, **headers) == 403


@pytest.mark.usefixtures("bucket")
def test_an_id_under_which_nothing_was_put_is_not_found(ask: Ask, runtime: Runtime) -> None:
    place = ask(announce(content_type="image/png", bytes=100)).body
    assert_problem(ask(reference(place["upload_id"])), 404, "upload_not_found")
    assert_problem(ask(reference("0" * 32)), 404, "upload_not_found")
    assert runtime.received == []


@pytest.mark.usefixtures("bucket")
def test_an_uploaded_file_is_checked_like_any_other(ask: Ask, runtime: Runtime) -> None:
    place = ask(announce(content_type="image/png", bytes=5)).body
    assert put(place, b"hello") == 200
    assert_problem(ask(reference(place["upload_id"])), 415, "unsupported_format")
    assert runtime.received == []


def test_an_upload_is_not_unpacked_on_its_way(ask: Ask, bucket: Any, runtime: Runtime) -> None:
    """A Content-Encoding is not signed, so that S3 keeps what the uploader says and gives it back."""
    place = ask(announce(content_type="image/png", bytes=5)).body
    bucket.put_object(
        Bucket=BUCKET,
        Key=f"uploads/{place['upload_id']}",
        Body=gzip.compress(encoded_image("PNG")),
        ContentEncoding="gzip",
    )
    assert_problem(ask(reference(place["upload_id"])), 415, "unsupported_format")
    assert runtime.received == []


@pytest.mark.usefixtures("bucket")
def test_an_uploaded_image_can_be_explained(ask: Ask) -> None:
    image = png_above_the_limit()
    place = ask(announce(content_type="image/png", bytes=len(image))).body
    assert put(place, image) == 200
    asked = reference(place["upload_id"]) | {"resource": "/explain", "path": "/explain"}
    assert ask(asked).body["heat_map"]["complete"] is True


def test_the_model_is_described_with_its_evaluation_and_a_link_to_its_report(
    ask: Ask, bucket: Any, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("EVALUATION_URI", f"s3://{BUCKET}/training/job/output/")
    environment.setenv("LEASE_SCHEDULE", "")
    cost = {"per_hour": 0.115, "per_inference_second": None, "currency": "USD", "what": "1 x ml.m5.large",
            "price_region": "us-east-1", "read": "2026-09-28"}  # fmt: skip
    environment.setenv("ENDPOINT_COST", json.dumps(cost))
    metrics = {"splits": {"test": {"AUROC": {"value": 0.98, "low": 0.96, "high": 0.99, "n": 335}}}, "worst": {"a": 1}}
    bucket.put_object(Bucket=BUCKET, Key="training/job/output/metrics.json", Body=json.dumps(metrics).encode())
    bucket.put_object(Bucket=BUCKET, Key="training/job/output/report.html", Body=b"<!doctype html>")
    found = ask(event("health") | {"resource": "/model", "path": "/model"})
    assert found.status == 200
    assert found.body["evaluation"] == {"splits": metrics["splits"]}
    assert (found.body["cost"], found.body["lease"]) == (cost, None)
    jsonschema.validate(found.body, DOCUMENT["components"]["schemas"]["Model"] | {"components": DOCUMENT["components"]})
    assert found.body["endpoint"] == {"name": "pneumonia-test"}
    with urllib.request.urlopen(found.body["report_url"], timeout=10) as report:  # noqa: S310
        assert report.read() == b"<!doctype html>"


@pytest.mark.usefixtures("bucket")
def test_a_model_without_an_evaluation_is_described_without_one(ask: Ask, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("EVALUATION_URI", f"s3://{BUCKET}/training/other/output/")
    found = ask(event("health") | {"resource": "/model", "path": "/model"})
    assert (found.status, found.body["evaluation"], found.body["report_url"]) == (200, None, None)


def test_a_storage_that_does_not_answer_is_a_problem(ask: Ask, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    found = ask(reference("0" * 32))
    assert_problem(found, 503, "storage_unavailable")
    assert found.headers["Retry-After"] == "5"


def test_an_image_in_the_body_needs_no_storage(ask: Ask, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    assert ask(event("predict_jpeg")).status == 200
    assert ask(post(b"x")).status == 415
