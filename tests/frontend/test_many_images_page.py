"""The page for many images."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from frontend.api_models import Prediction
from frontend.batch import ResultRow
from frontend.batch_files import BatchFile
from frontend.results_table import FAILED
from tests.lambda_.events import encoded_image
from tests.lambda_.runtime import Reply

from .builders import zipped
from .conftest import KEY, Api, all_text, gateway_error, run_page


@pytest.fixture
def app(api: Api) -> AppTest:
    return run_page("many_images_page")


def choose(app: AppTest, *files: tuple[str, bytes, str]) -> AppTest:
    app.file_uploader[0].set_value(list(files)).run()
    assert not app.exception
    return app


def read(app: AppTest) -> AppTest:
    button = next(button for button in app.button if button.label.startswith("Read "))
    button.click().run()
    assert not app.exception
    return app


def image(number: int) -> tuple[str, bytes, str]:
    return f"{number}.jpg", encoded_image(size=(300 + number, 300)), "image/jpeg"


PREDICTION = Prediction(
    label="PNEUMONIA", probability=0.9, threshold=0.5, threshold_source="default", model_version="job-1",
    request_id="r-1", disclaimer="Not a medical device.", seconds=0.1,
)  # fmt: skip


def test_nothing_is_sent_before_the_button_is_pressed(app: AppTest, api: Api) -> None:
    choose(app, image(1), image(2))
    assert api.bodies == []
    assert app.button[0].label == "Read 2 images"


def test_images_and_those_inside_a_zip_are_one_table(app: AppTest, api: Api) -> None:
    archive = ("images.zip", zipped({"a.jpg": image(8)[1], "broken.jpg": encoded_image()[:300]}), "application/zip")
    read(choose(app, image(1), archive))
    table = app.dataframe[0].value
    assert sorted(table["file"]) == ["1.jpg", "a.jpg", "broken.jpg"]
    assert table["probability"].notna().sum() == 2
    assert len(api.bodies) == 2


def test_the_filter_shows_the_rows_it_names(app: AppTest) -> None:
    read(choose(app, image(1), ("broken.jpg", encoded_image()[:300], "image/jpeg")))
    app.button_group[0].set_value(FAILED).run()
    assert list(app.dataframe[0].value["file"]) == ["broken.jpg"]


def test_a_rerun_sends_nothing_again(app: AppTest, api: Api) -> None:
    read(choose(app, image(1), image(2)))
    app.run()
    assert not app.exception
    assert len(api.bodies) == 2
    assert not any("images" in button.label for button in app.button)


def test_the_result_of_a_removed_image_is_removed(app: AppTest) -> None:
    read(choose(app, image(1)))
    app.file_uploader[0].set_value([]).run()
    assert not app.dataframe
    assert app.session_state["rows"] == {}


def test_an_exceeded_quota_ends_the_batch_and_says_what_to_do(app: AppTest, api: Api) -> None:
    api.gateway_answers.extend([gateway_error("QUOTA_EXCEEDED", **{"Retry-After": "3600"})] * 40)
    read(choose(app, *[image(number) for number in range(12)]))
    assert "not processed" in app.error[0].value
    assert "daily_quota" in app.error[0].value
    assert len(app.dataframe[0].value) < 12
    assert any(button.label.startswith("Read the remaining") for button in app.button)


def test_after_the_remaining_files_were_read_the_page_does_not_say_otherwise(app: AppTest, api: Api) -> None:
    api.gateway_answers.append(gateway_error("QUOTA_EXCEEDED"))
    read(choose(app, image(1), image(2)))
    if any(button.label.startswith("Read the remaining") for button in app.button):
        read(app)
    assert len(app.dataframe[0].value) == 2
    assert "daily_quota" in app.error[0].value
    assert "not processed" not in app.error[0].value


def test_too_many_files_leave_the_results_of_the_earlier_ones(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    read(choose(app, image(1), image(2)))
    results = dict(app.session_state["rows"])
    monkeypatch.setattr("frontend.batch_files.MAX_FILES", 2)
    choose(app, image(1), image(2), image(3))
    assert "3 files" in app.error[0].value
    assert app.session_state["rows"] == results
    assert len(results) == 2


def test_the_files_of_an_earlier_visit_are_still_open_and_can_be_closed(app: AppTest) -> None:
    app.session_state["files"] = [BatchFile("a", "a.jpg", lambda: image(1)[1])]
    read(app.run())
    assert "1 files are still open" in all_text(app)
    next(button for button in app.button if button.label == "Close them").click().run()
    assert not app.exception
    assert not app.dataframe


@pytest.mark.parametrize(
    ("content", "row", "texts"),
    [
        (image(1)[1], {"prediction": PREDICTION}, ["Pneumonia suspected", "Request r-1", "Not a medical device"]),
        (b"no image", {"code": "broken", "error": "Received a broken image."}, ["no image", "Received a broken image"]),
    ],
)
def test_a_selected_row_shows_its_result_even_without_an_image(
    content: bytes, row: dict[str, Any], texts: list[str]
) -> None:
    app = AppTest.from_string(
        "import streamlit as st\nfrom frontend.many_images_page import show_row\n"
        "show_row(st.session_state['row'], st.session_state['files'])\n"
    )
    app.session_state["row"] = ResultRow("a", "a.jpg", **row)
    app.session_state["files"] = [BatchFile("a", "a.jpg", lambda: content)]
    app.run()
    assert not app.exception
    assert [text for text in texts if text not in all_text(app)] == []


def test_failed_images_can_be_retried(app: AppTest, api: Api) -> None:
    api.gateway_answers.extend([gateway_error("QUOTA_EXCEEDED")] * 4)
    read(choose(app, image(1)))
    api.gateway_answers.clear()
    next(button for button in app.button if "Retry" in button.label).click().run()
    read(app)
    assert app.dataframe[0].value["probability"].notna().all()


def test_the_table_contains_neither_the_key_nor_a_full_image(app: AppTest, api: Api) -> None:
    api.runtime.replies.append(Reply(body=b"[0.1, 0.9]"))
    read(choose(app, image(1)))
    assert KEY not in all_text(app)
    assert all(len(url) < 10_000 for url in app.dataframe[0].value["image"])
