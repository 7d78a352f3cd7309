"""Many images against the real proxy: errors stay with their file, and a throttle is waited for."""

import csv
import io
import time

from frontend.archive import Item
from frontend.batch import Row, read_all
from frontend.client import Client
from frontend.table import ALL, CLEAR, FAILED, SUSPECTED, UNSURE, chosen, csv_of, frame, summary
from tests.lambda_.events import encoded_image
from tests.lambda_.runtime import Reply

from .conftest import Api, refused_by_gateway


def items(*images: bytes) -> list[Item]:
    return [Item(str(number), f"{number}.jpg", lambda image=image: image) for number, image in enumerate(images)]  # type: ignore[misc]


def read(api: Api, *images: bytes) -> list[Row]:
    return sorted(read_all(Client(api.settings), items(*images), "squash"), key=lambda row: row.key)


def test_a_broken_image_does_not_stop_the_rest(api: Api) -> None:
    rows = read(api, encoded_image(), encoded_image()[:300], b"no image", encoded_image(size=(400, 300)))
    assert [row.code for row in rows] == ["", "truncated", "unsupported_format", ""]
    assert all(row.thumbnail.startswith("data:image/jpeg;base64,") for row in rows if row.prediction)
    assert all(row.reason.endswith(".") for row in rows if not row.prediction)


def test_a_throttled_batch_waits_as_it_is_told_and_reads_every_image(api: Api) -> None:
    api.gateway_answers.extend([refused_by_gateway("THROTTLED", **{"Retry-After": "1"})] * 4)
    started = time.monotonic()
    rows = read(api, *[encoded_image(size=(300 + number, 300)) for number in range(6)])
    assert all(row.prediction for row in rows)
    assert len(rows) == 6
    assert time.monotonic() - started >= 1


def test_a_wrong_key_ends_the_batch_after_the_first_answers(api: Api) -> None:
    api.gateway_answers.extend([refused_by_gateway("INVALID_API_KEY")] * 100)
    rows = read(api, *[encoded_image(size=(300 + number, 300)) for number in range(40)])
    assert {row.code for row in rows} == {"invalid_api_key"}
    assert 1 <= len(rows) < 40
    assert len(api.bodies) < 40


def test_a_closed_batch_asks_no_more(api: Api) -> None:
    api.runtime.model = lambda received: Reply(seconds=0.05)
    reading = read_all(Client(api.settings), items(*[encoded_image()] * 30), "squash")
    next(reading)
    reading.close()  # type: ignore[attr-defined]
    time.sleep(0.3)
    asked = len(api.bodies)
    time.sleep(0.3)
    assert len(api.bodies) == asked < 30


def test_filters_and_summary_count_the_same_images(api: Api) -> None:
    api.runtime.replies.extend([Reply(body=b"[0.1, 0.9]")])
    (suspected,) = read(api, encoded_image())
    api.runtime.replies.extend([Reply(body=b"[0.55, 0.45]")])
    (unsure,) = read(api, encoded_image())
    (failed,) = read(api, b"no image")
    rows = [suspected, unsure, failed]
    assert [len(chosen(rows, name)) for name in (ALL, SUSPECTED, CLEAR, UNSURE, FAILED)] == [3, 1, 1, 1, 1]
    assert summary(rows).count("**1**") == 4
    assert frame(rows)["result"] == [SUSPECTED, CLEAR, "Failed"]


def test_the_csv_holds_every_row_and_no_formula(api: Api) -> None:
    rows = [*read(api, encoded_image()), Row("k", "=HYPERLINK(1)", code="broken", reason="Received, nothing.")]
    text = csv_of(rows).decode("utf-8-sig")
    first, second = csv.DictReader(io.StringIO(text))
    assert first["label"] == rows[0].prediction.label  # type: ignore[union-attr]
    assert float(first["probability"]) == rows[0].prediction.probability  # type: ignore[union-attr]
    assert (second["file"], second["reason"]) == ("'=HYPERLINK(1)", "Received, nothing.")
    assert "Not a medical device" in first["notice"]
