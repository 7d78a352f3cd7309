"""One JSON line per request, without the image, its scores or its sender."""

import base64
import io
import json
import time
from typing import Any

import handler as entry
import pytest
from inference_proxy import routes

from .conftest import Ask
from .events import encoded_image, event, image_in, post
from .hostile import REQUESTS, assert_problem
from .runtime import Reply, Runtime, failure

# Scores that are easy to find in a log.
SCORES = (0.31415926, 0.68584074)


@pytest.fixture
def lines(capfd: pytest.CaptureFixture[str]) -> Any:
    """Read the JSON lines written so far; fail on anything else on standard output or standard error."""

    def read() -> list[dict[str, Any]]:
        output, errors = capfd.readouterr()
        assert errors == ""
        return [json.loads(line) for line in output.splitlines()]

    return read


def test_a_prediction_leaves_one_line(ask: Ask, lines: Any) -> None:
    recorded = event("predict_jpeg")
    ask(recorded)
    line, count = lines()
    assert {name: count[name] for name in count if name != "_aws"} == {
        "Stage": "test", "Label": "PNEUMONIA", "Predictions": 1
    }  # fmt: skip
    assert metric_names(line) == {"Requests", "Latency", "Errors", "ScoringLatency"}
    assert metric_names(count) == {"Predictions"}
    del line["_aws"], line["Latency"], line["ScoringLatency"]
    times = {name: line.pop(name) for name in ("standardise_ms", "scoring_ms", "duration_ms")}
    assert all(time > 0 for time in times.values())
    assert times["standardise_ms"] + times["scoring_ms"] <= times["duration_ms"]
    line.pop("cold_start")
    assert line == {
        "level": "INFO",
        "message": "request",
        "request_id": recorded["requestContext"]["requestId"],
        "route": "POST /predict",
        "image_bytes": len(image_in(recorded)),
        "status": 200,
        "code": "",
        "Stage": "test",
        "Route": "POST /predict",
        "Requests": 1,
        "Errors": 0,
    }


def metric_names(line: dict[str, Any]) -> set[str]:
    """Return the names of a line's metrics; each is a number in the line, and each dimension a string."""
    assert abs(line["_aws"]["Timestamp"] / 1000 - time.time()) < 60
    metrics = set()
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert directive["Namespace"] == "PneumoniaApi"
        assert all(isinstance(line[name], str) for names in directive["Dimensions"] for name in names)
        for metric in directive["Metrics"]:
            assert isinstance(line[metric["Name"]], int | float)
            metrics.add(metric["Name"])
    return metrics


def test_only_the_first_request_is_a_cold_start(ask: Ask, lines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry._Environment, "cold", True)
    for _ in range(3):
        ask(event("health"))
    assert [line["cold_start"] for line in lines()] == [True, False, False]


@pytest.mark.parametrize("request_", [row[1] for row in REQUESTS], ids=[row[0] for row in REQUESTS])
def test_a_hostile_request_leaves_one_line_with_its_code(request_: object, ask: Ask, lines: Any) -> None:
    response = ask(request_)
    (line,) = lines()
    assert metric_names(line) >= {"Requests", "Errors", "Rejections"}
    assert (line["Rejections"], line["Code"]) == (1, response.body["code"])
    assert (line["status"], line["code"], line["level"]) == (response.status, response.body["code"], "WARNING")
    assert line["request_id"] == response.body["request_id"]
    assert line["route"] in {"POST /predict", "POST /explain", "POST /uploads", "unmatched"}
    assert len(json.dumps(line)) < 2000


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
    identity = recorded["requestContext"]["requestId"]
    about = [line for line in log.splitlines() if identity in line]
    assert len(about) == 1
    assert not any(name in about[0] for name in ("PNEUMONIA", "NORMAL", "label"))
    for secret in ("0.314", "0.685", recorded["body"][200:220]):
        assert secret not in log
    assert repr(image_in(recorded)[100:110])[2:-1] not in log


def test_no_log_holds_keys_addresses_or_header_values(ask: Ask, capfd: pytest.CaptureFixture[str]) -> None:
    ask(post(encoded_image(), "text/patient-name-mueller"))
    ask(event("predict_jpeg"))
    log = "".join(capfd.readouterr())
    for secret in ("EXAMPLEEXAMPLE", "203.0.113.7", "curl/", "mueller", "secret-of-the-test", "token-of-the-test"):
        assert secret not in log


def test_an_unforeseen_error_is_answered_and_logged_without_its_text(
    ask: Ask, lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(data: bytes, resize_mode: str) -> bytes:
        raise RuntimeError(f"cannot handle {data!r}")

    monkeypatch.setattr(routes, "standard_image", crash)
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
