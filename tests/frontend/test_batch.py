"""Many images against the real proxy: an error concerns its file, and a throttled batch waits."""

import csv
import io
import json
import threading

import pytest

from frontend.backoff import MAX_SECONDS, delay_seconds
from frontend.batch import CONCURRENCY, ResultRow, predict_all
from frontend.batch_files import BatchFile
from frontend.client import ApiError, Client
from frontend.results_table import FILTERS, NOT_SUSPECTED, SUSPECTED, csv_file, filtered, summary, table
from infra.waf import throttled
from tests.lambda_.events import encoded_image
from tests.lambda_.runtime import Received, Reply, failure

from .conftest import Api, gateway_error


def files(*images: bytes) -> list[BatchFile]:
    return [BatchFile(str(number), f"{number}.jpg", lambda image=image: image) for number, image in enumerate(images)]  # type: ignore[misc]


def read(api: Api, *images: bytes) -> list[ResultRow]:
    return sorted(predict_all(Client(api.settings), files(*images)), key=lambda row: row.key)


def test_a_broken_image_does_not_stop_the_others(api: Api) -> None:
    rows = read(api, encoded_image(), encoded_image()[:300], b"no image", encoded_image(size=(400, 300)))
    assert [row.code for row in rows] == ["", "truncated", "unsupported_format", ""]
    assert all(row.thumbnail.startswith("data:image/jpeg;base64,") for row in rows if row.prediction)
    assert all(row.error for row in rows if not row.prediction)


def test_a_throttled_batch_reads_every_image(api: Api) -> None:
    api.gateway_answers.extend([gateway_error("THROTTLED", **{"Retry-After": "0"})] * 4)
    rows = read(api, *[encoded_image(size=(300 + number, 300)) for number in range(6)])
    assert [bool(row.prediction) for row in rows] == [True] * 6
    assert len(api.bodies) == 10


@pytest.mark.parametrize(
    ("retry_after", "attempt", "seconds"),
    [(0, 1, 0.5), (0, 4, 4), (3, 1, 3), (0, 8, MAX_SECONDS), (60, 1, MAX_SECONDS)],
)
def test_a_retry_waits_for_retry_after_or_longer_with_each_attempt(
    retry_after: float, attempt: int, seconds: float
) -> None:
    assert delay_seconds(ApiError(429, "throttled", "", "", retry_after=retry_after), attempt) == seconds


def test_a_wrong_key_ends_the_batch_after_the_first_responses(api: Api) -> None:
    api.gateway_answers.extend([gateway_error("INVALID_API_KEY")] * 100)
    rows = read(api, *[encoded_image(size=(300 + number, 300)) for number in range(40)])
    assert {row.code for row in rows} == {"invalid_api_key"}
    assert 1 <= len(rows) < 40
    assert len(api.bodies) < 40


@pytest.mark.parametrize("code", ["endpoint_access_denied", "endpoint_missing"])
def test_a_failure_that_every_image_would_meet_ends_the_batch(api: Api, code: str) -> None:
    errors = {
        "endpoint_access_denied": failure(403, "AccessDeniedException"),
        "endpoint_missing": failure(400, "ValidationError", "Endpoint pneumonia-test not found."),
    }
    api.runtime.model = lambda received: errors[code]
    rows = read(api, *[encoded_image(size=(300 + number, 300)) for number in range(40)])
    assert {row.code for row in rows} == {code}
    assert len(api.bodies) == len(api.runtime.received) < 40, "none is sent again"


def test_an_image_that_the_firewall_refuses_is_a_row_and_the_others_are_read(api: Api) -> None:
    api.gateway_answers.append(gateway_error("WAF_FILTERED"))
    rows = read(api, *[encoded_image(size=(300 + number, 300)) for number in range(12)])
    assert sorted(row.code for row in rows) == [*[""] * 11, "firewall_blocked"]
    assert [row.retryable for row in rows if row.code] == [False]


def test_an_address_above_the_firewalls_rate_waits(api: Api) -> None:
    api.gateway_answers.append((429, json.dumps(throttled(10)).encode(), {"Retry-After": "0"}))
    (row,) = read(api, encoded_image())
    assert row.prediction is not None
    assert len(api.bodies) == 2


def test_a_closed_batch_sends_nothing_after_the_requests_in_progress(api: Api) -> None:
    """The model answers one request. The others wait until the batch is closed and then end its threads."""
    first, closed = threading.Lock(), threading.Event()

    def model(received: Received) -> Reply:
        if not first.acquire(blocking=False):
            assert closed.wait(30)
        return Reply()

    api.runtime.model = model
    rows = predict_all(Client(api.settings), files(*[encoded_image()] * 30))
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    closed.set()
    for thread in threading.enumerate():
        if thread.name.startswith("batch"):
            thread.join()
    assert len(api.bodies) <= CONCURRENCY + 1


def test_filters_and_summary_count_the_same_images(api: Api) -> None:
    api.runtime.replies.append(Reply(body=b"[0.1, 0.9]"))
    (suspected,) = read(api, encoded_image())
    api.runtime.replies.append(Reply(body=b"[0.55, 0.45]"))
    (near,) = read(api, encoded_image())
    (failed,) = read(api, b"no image")
    rows = [suspected, near, failed]
    assert [len(filtered(rows, name)) for name in FILTERS] == [3, 1, 1, 1, 1]
    assert summary(rows).count("**1**") == 4
    assert table(rows)["result"] == [SUSPECTED, NOT_SUSPECTED, "Failed"]


def test_the_csv_has_every_row_and_no_formula(api: Api) -> None:
    rows = [*read(api, encoded_image()), ResultRow("k", "=HYPERLINK(1)", code="broken", error="Received, nothing.")]
    first, second = csv.DictReader(io.StringIO(csv_file(rows).decode("utf-8-sig")))
    assert first["label"] == rows[0].prediction.label  # type: ignore[union-attr]
    assert float(first["probability"]) == rows[0].prediction.probability  # type: ignore[union-attr]
    assert (second["file"], second["error"]) == ("'=HYPERLINK(1)", "Received, nothing.")
    assert "Not a medical device" in first["notice"]
