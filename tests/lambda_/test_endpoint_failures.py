"""Each failure of the endpoint becomes a problem, over real connections."""

from __future__ import annotations

import threading

import pytest
from inference_proxy.deadline import Deadline
from inference_proxy.problems import IMAGE_KINDS, KINDS

from radiograph import CODES
from tests.ports import free_port

from .conftest import Ask, Clock, Context
from .events import event
from .hostile import REQUESTS, assert_problem
from .runtime import Received, Reply, Runtime, failure

ARN = "arn:aws:sts::123456789012:assumed-role/proxy/proxy"
NOT_FOUND = "Endpoint pneumonia-test of account 123456789012 not found."
CREATING = "Endpoint pneumonia-test is not in service: its status is Creating."

# Name, reply of the runtime, status and code of the problem, number of attempts.
FAILURES = [
    ("model refuses the image", failure(424, "ModelError", OriginalStatusCode=400), 422, "model_rejected_image", 1),
    ("model fails", failure(424, "ModelError", OriginalStatusCode=500), 502, "model_error", 1),
    ("model never answers", failure(424, "ModelError", OriginalStatusCode=0), 504, "endpoint_timeout", 1),
    ("model error without a status", failure(424, "ModelError"), 502, "model_error", 1),
    ("model is loading", failure(424, "ModelError", OriginalStatusCode=503), 503, "endpoint_unavailable", 3),
    ("model not ready", failure(429, "ModelNotReadyException"), 503, "endpoint_not_ready", 3),
    ("throttled", failure(429, "ThrottlingException", "Rate exceeded"), 429, "endpoint_throttled", 3),
    ("throttled with status 400", failure(400, "ThrottlingException"), 429, "endpoint_throttled", 3),
    ("unavailable", failure(503, "ServiceUnavailable"), 503, "endpoint_unavailable", 3),
    ("no endpoint", failure(400, "ValidationError", NOT_FOUND), 502, "endpoint_missing", 1),
    ("endpoint being created", failure(400, "ValidationError", CREATING), 503, "endpoint_not_ready", 3),
    ("refused request", failure(400, "ValidationError", "1 validation error"), 502, "endpoint_rejected_request", 1),
    ("access denied", failure(403, "AccessDeniedException", f"User: {ARN}"), 502, "endpoint_access_denied", 1),
    ("expired token", failure(403, "ExpiredTokenException"), 502, "endpoint_access_denied", 1),
    ("wrong signature", failure(403, "InvalidSignatureException"), 502, "endpoint_access_denied", 1),
    ("internal failure", failure(500, "InternalFailure"), 502, "endpoint_failure", 3),
    ("dependency failure", failure(530, "InternalDependencyException"), 502, "endpoint_failure", 3),
    (
        "name with a suffix",
        failure(424, "ModelError:http://aws.com/", OriginalStatusCode=422),
        422,
        "model_rejected_image",
        1,
    ),
    ("name in the body only", Reply(429, b'{"__type": "com.aws#ThrottlingException"}'), 429, "endpoint_throttled", 3),
    ("a proxy's page", Reply(503, b"<html>busy</html>"), 503, "endpoint_unavailable", 3),
    ("a gateway's timeout", Reply(504, b""), 504, "endpoint_timeout", 1),
    ("an unknown status", Reply(418, b"[]"), 502, "endpoint_rejected_request", 1),
    ("a redirect", Reply(302, b""), 502, "endpoint_rejected_request", 1),
    ("an answer without content", Reply(204, b""), 502, "endpoint_rejected_request", 1),
    ("connections that break", Reply(reset=True), 503, "endpoint_unreachable", 3),
    ("no JSON", Reply(body=b"0.25 0.75"), 502, "model_output_invalid", 1),
    ("an empty answer", Reply(body=b""), 502, "model_output_invalid", 1),
    ("three values", Reply(body=b"[0.2, 0.3, 0.5]"), 502, "model_output_invalid", 1),
    ("not a number", Reply(body=b"[NaN, 0.5]"), 502, "model_output_invalid", 1),
]

RETRY_AFTER = {"endpoint_throttled", "endpoint_not_ready", "endpoint_unavailable", "endpoint_unreachable"}


@pytest.mark.parametrize(
    ("reply", "status", "code", "attempts"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
def test_a_failure_of_the_endpoint_gets_its_status_and_code(
    reply: Reply, status: int, code: str, attempts: int, ask: Ask, runtime: Runtime
) -> None:
    runtime.replies.extend([reply] * 5)
    response = ask(event("predict_jpeg"))
    assert_problem(response, status, code)
    assert ("Retry-After" in response.headers) == (code in RETRY_AFTER)
    assert len(runtime.received) == attempts


@pytest.mark.parametrize("secret", [ARN, "123456789012", "pneumonia-test"])
def test_no_answer_names_the_account_or_its_resources(secret: str, ask: Ask, runtime: Runtime) -> None:
    for reply in (failure(403, "AccessDeniedException", f"User: {ARN}"), failure(400, "ValidationError", NOT_FOUND)):
        runtime.replies.append(reply)
        assert secret not in str(ask(event("predict_jpeg")).body)


@pytest.mark.parametrize(
    "temporary",
    [
        failure(429, "ThrottlingException"),
        failure(503, "ServiceUnavailable"),
        failure(500, "InternalFailure"),
        Reply(reset=True),
    ],
)
def test_a_temporary_failure_is_retried(temporary: Reply, ask: Ask, runtime: Runtime) -> None:
    runtime.replies.extend([temporary, temporary])
    assert ask(event("predict_jpeg")).status == 200
    assert len({received.body for received in runtime.received}) == 1


def test_a_connection_closed_while_the_function_was_frozen_is_opened_again(ask: Ask, runtime: Runtime) -> None:
    assert ask(event("predict_jpeg")).status == 200
    runtime.replies.append(Reply(reset=True))
    assert ask(event("predict_jpeg")).status == 200
    assert len({received.connection for received in runtime.received}) == 2


def test_a_model_that_does_not_answer_in_time_is_a_timeout(ask: Ask, runtime: Runtime) -> None:
    given_up = threading.Event()

    def model(received: Received) -> Reply:
        given_up.wait(60)
        return Reply(reset=True)

    runtime.model = model
    assert_problem(ask(event("predict_jpeg"), seconds=1.0, clock=Clock()), 504, "endpoint_timeout")
    given_up.set()
    assert len(runtime.received) == 1


def test_no_retry_begins_that_the_deadline_would_cut_off(
    ask: Ask, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda _shortest, longest: longest)
    clock = Clock()

    def model(received: Received) -> Reply:
        clock.now = 19.4
        return failure(503, "ServiceUnavailable")

    runtime.model = model
    assert_problem(ask(event("predict_jpeg"), seconds=20, clock=clock), 503, "endpoint_unavailable")
    assert len(runtime.received) == 1


@pytest.mark.parametrize(("seconds", "remaining"), [(60, 27.0), (29, 27.0), (10, 9.5)])
def test_the_deadline_is_within_the_time_of_the_function_and_of_the_gateway(seconds: float, remaining: float) -> None:
    clock = Clock()
    deadline = Deadline(Context(seconds, clock))
    assert deadline.remaining() == remaining
    clock.now = 5.0
    assert deadline.remaining() == remaining - 5


def test_without_time_left_the_endpoint_is_not_called(ask: Ask, runtime: Runtime) -> None:
    assert_problem(ask(event("predict_jpeg"), seconds=0.4), 504, "endpoint_timeout")
    assert runtime.received == []


def test_an_endpoint_that_refuses_connections_is_unreachable(ask: Ask, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    assert_problem(ask(event("predict_jpeg")), 503, "endpoint_unreachable")


def test_a_server_without_tls_is_unreachable_over_https(
    ask: Ask, runtime: Runtime, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("AWS_ENDPOINT_URL", runtime.url.replace("http:", "https:"))
    assert_problem(ask(event("predict_jpeg")), 503, "endpoint_unreachable")


def test_every_code_of_an_image_has_a_status() -> None:
    assert set(IMAGE_KINDS) == set(CODES)


def test_every_other_code_has_a_request_that_gets_it() -> None:
    covered = {row[3] for row in REQUESTS} | {row[3] for row in FAILURES}
    # test_settings.py, test_request_log.py, test_uploads.py, test_explain.py, test_graph.py
    elsewhere = {"misconfigured", "internal_error", "storage_unavailable", "explain_timeout"}
    elsewhere |= {"model_missing", "model_hash_mismatch", "model_broken", "model_timeout"}
    assert set(KINDS) - set(IMAGE_KINDS) - elsewhere <= covered
