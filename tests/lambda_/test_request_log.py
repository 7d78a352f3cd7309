"""One JSON line per request that says how it went, and nothing about whose film it was or what it showed."""

import base64
import io
import json
from typing import Any

import handler as entry
import pytest
from inference_proxy import routes

from .conftest import Ask
from .events import event, film_in, image, post
from .hostile import REQUESTS, assert_problem
from .runtime import Reply, Runtime, failure

# Scores that would be found anywhere in a log.
SCORES = (0.31415926, 0.68584074)


@pytest.fixture
def lines(capfd: pytest.CaptureFixture[str]) -> Any:
    """The JSON lines written so far; fails on anything else on standard output or standard error."""

    def read() -> list[dict[str, Any]]:
        output, errors = capfd.readouterr()
        assert errors == ""
        return [json.loads(line) for line in output.splitlines()]

    return read


def test_a_prediction_leaves_one_line(ask: Ask, lines: Any) -> None:
    recorded = event("predict_jpeg")
    ask(recorded)
    (line,) = lines()
    times = {name: line.pop(name) for name in ("standardise_ms", "endpoint_ms", "duration_ms")}
    assert all(time > 0 for time in times.values())
    assert times["standardise_ms"] + times["endpoint_ms"] <= times["duration_ms"]
    line.pop("cold_start")
    assert line == {
        "level": "INFO",
        "message": "request",
        "request_id": recorded["requestContext"]["requestId"],
        "route": "POST /predict",
        "film_bytes": len(film_in(recorded)),
        "status": 200,
        "code": "",
    }


def test_only_the_first_request_is_a_cold_start(ask: Ask, lines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry._Environment, "cold", True)
    for _ in range(3):
        ask(event("health"))
    assert [line["cold_start"] for line in lines()] == [True, False, False]


@pytest.mark.parametrize("request_", [row[1] for row in REQUESTS], ids=[row[0] for row in REQUESTS])
def test_a_hostile_request_leaves_one_line_with_its_code(request_: object, ask: Ask, lines: Any) -> None:
    response = ask(request_)
    (line,) = lines()
    assert (line["status"], line["code"], line["level"]) == (response.status, response.body["code"], "WARNING")
    assert line["request_id"] == response.body["request_id"]
    assert line["route"] in {"POST /predict", "unmatched"}
    assert len(json.dumps(line)) < 1500


def test_a_failed_call_is_logged_with_awss_own_words(ask: Ask, runtime: Runtime, lines: Any) -> None:
    message = "User is not authorized to perform: sagemaker:InvokeEndpoint"
    runtime.replies.append(failure(403, "AccessDeniedException", message))
    ask(event("predict_jpeg"))
    (line,) = lines()
    assert line["level"] == "ERROR"
    assert line["cause"] == {
        "aws_status": 403,
        "aws_error": "AccessDeniedException",
        "aws_message": message,
        "attempts": 1,
    }


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=json.dumps(SCORES).encode()),
        Reply(body=json.dumps([*SCORES, 0.5]).encode()),
        Reply(body=json.dumps([SCORES[0], SCORES[0]]).encode()),
        failure(424, "ModelError", f"scored {SCORES}", OriginalStatusCode=500, OriginalMessage=f"scored {SCORES}"),
    ],
)
def test_no_log_holds_scores_labels_or_image_bytes(
    reply: Reply, ask: Ask, runtime: Runtime, capfd: pytest.CaptureFixture[str]
) -> None:
    runtime.replies.append(reply)
    recorded = event("predict_jpeg")
    ask(recorded)
    log = "".join(capfd.readouterr())
    assert log
    for secret in ("0.314", "0.685", "PNEUMONIA", "NORMAL", "label", recorded["body"][200:220]):
        assert secret not in log
    assert repr(film_in(recorded)[100:110])[2:-1] not in log


def test_no_log_holds_keys_addresses_or_header_values(ask: Ask, capfd: pytest.CaptureFixture[str]) -> None:
    ask(post(image(), "text/patient-name-mueller"))
    ask(event("predict_jpeg"))
    log = "".join(capfd.readouterr())
    for secret in ("EXAMPLEEXAMPLE", "203.0.113.7", "curl/", "mueller", "secret-of-the-test", "token-of-the-test"):
        assert secret not in log


def test_an_unforeseen_error_is_answered_and_logged_without_its_text(
    ask: Ask, lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(data: bytes, policy: str) -> bytes:
        raise RuntimeError(f"cannot handle {data!r}")

    monkeypatch.setattr(routes, "standard_film", crash)
    response = ask(event("predict_jpeg"))
    assert_problem(response, 500, "internal_error")
    assert "RuntimeError" not in str(response.body)
    (line,) = lines()
    assert (line["level"], line["exception"]) == ("ERROR", "RuntimeError")
    assert "in crash" in line["traceback"]
    assert "JFIF" not in json.dumps(line)


def test_a_failure_beneath_the_decoder_is_answered(ask: Ask, lines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object, **__: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(base64, "b64decode", exhausted)
    assert_problem(ask(event("predict_jpeg")), 500, "internal_error")
    assert lines()[0]["exception"] == "MemoryError"


def test_the_line_goes_where_standard_output_goes_now(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    redirected = io.StringIO()
    monkeypatch.setattr("sys.stdout", redirected)
    ask(event("health"))
    assert json.loads(redirected.getvalue())["route"] == "GET /health"
