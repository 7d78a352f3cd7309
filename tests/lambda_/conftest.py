"""The environment and context of the function, and the runtime endpoint that it calls."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from handler import handler
from inference_proxy import endpoint, graph, lease_status, model_description, settings, storage

from .runtime import Runtime

ENVIRONMENT = {
    "ENDPOINT_NAME": "pneumonia-test",
    "CLASSES": '["NORMAL", "PNEUMONIA"]',
    "RESIZE_MODE": "squash",
    "CALIBRATION": '{"slope": 1.0, "intercept": 0.0}',
    "THRESHOLD": "0.5",
    "THRESHOLD_SOURCE": "default",
    "MODEL_VERSION": "pneumonia-test-20261124-031500",
    "STAGE": "test",
    "UPLOAD_BUCKET": "images-of-the-test",
    "EVALUATION_URI": "",
    "CORS_ORIGINS": "",
    "ENDPOINT_COST": "",
    "LEASE_SCHEDULE": "pneumonia-test-lease",
    "LEASE_ENDS": "2026-11-24T20:00:00",
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret-of-the-test",
    "AWS_SESSION_TOKEN": "token-of-the-test",
}


class Clock:
    """A clock that moves only when a test moves it."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Context:
    """AWS Lambda's context object: the invocation's id and its remaining time."""

    aws_request_id = "c6af9ac6-7b61-11e6-9a41-93e812345678"

    def __init__(self, seconds: float = 29.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._end = clock, clock() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round((self._end - self._clock()) * 1000))


@dataclass(frozen=True)
class Response:
    """The result of the function, decoded as API Gateway does."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


Ask = Callable[..., Response]


@pytest.fixture(scope="session")
def runtime_server() -> Iterator[Runtime]:
    running = Runtime()
    yield running
    running.stop()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The environment variables of a deployed function; change them before the first request."""
    for service in ("SAGEMAKER_RUNTIME", "S3", "SCHEDULER"):
        monkeypatch.delenv(f"AWS_ENDPOINT_URL_{service}", raising=False)
    for name in ("AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    forget_environment()
    yield monkeypatch
    forget_environment()


def forget_environment() -> None:
    """Start a new execution environment with the next request."""
    settings.load.cache_clear()
    endpoint.endpoint_of.cache_clear()
    graph.clear_cache()
    storage.storage_of.cache_clear()
    model_description.clear_cache()
    lease_status.clear_cache()


@pytest.fixture
def runtime(runtime_server: Runtime, environment: pytest.MonkeyPatch) -> Runtime:
    runtime_server.forget()
    environment.setenv("AWS_ENDPOINT_URL", runtime_server.url)
    return runtime_server


@pytest.fixture
def ask(runtime: Runtime) -> Ask:
    """Invoke the function with an event, as AWS Lambda does: JSON in, JSON out."""
    return invoke


def invoke(event: object, seconds: float = 29.0, clock: Callable[[], float] = time.monotonic) -> Response:
    result = json.loads(json.dumps(handler(json.loads(json.dumps(event)), Context(seconds, clock))))
    assert set(result) == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert result["isBase64Encoded"] is (result["headers"]["Content-Type"] == "image/png")
    if result["isBase64Encoded"]:
        return Response(result["statusCode"], result["headers"], {"png": base64.b64decode(result["body"])})
    return Response(result["statusCode"], result["headers"], json.loads(result["body"]))
