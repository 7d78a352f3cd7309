"""The page for one image as a person uses it: choose an image, read the result or the error."""

import json

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from frontend.one_image_page import NORMAL, PNEUMONIA
from tests.lambda_.conftest import forget_environment
from tests.lambda_.events import encoded_image
from tests.lambda_.runtime import Received, Reply, failure
from tests.radiograph.files import page_of_text

from .conftest import APP, KEY, Api, all_text


@pytest.fixture
def app(api: Api) -> AppTest:
    return start()


def start() -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=20).run()
    assert not app.exception
    return app


def upload(app: AppTest, data: bytes, name: str = "image.jpeg") -> AppTest:
    app.file_uploader[0].set_value((name, data, "image/jpeg"))
    app.run()
    assert not app.exception
    return app


def press(app: AppTest, label: str) -> AppTest:
    (button,) = [button for button in app.button if label in button.label]
    button.click().run()
    assert not app.exception
    return app


def test_the_page_starts_with_the_medical_device_notice(app: AppTest) -> None:
    assert "Not a medical device" in app.warning[0].value


def test_an_image_above_the_threshold_is_suspected(app: AppTest, api: Api) -> None:
    api.runtime.replies.append(Reply(body=b"[0.1, 0.9]"))
    upload(app, encoded_image())
    assert app.subheader[0].value == "Pneumonia suspected"
    assert "90.0 %" in all_text(app)


def test_an_image_below_the_threshold_is_not(app: AppTest, api: Api) -> None:
    api.runtime.replies.append(Reply(body=b"[0.7, 0.3]"))
    upload(app, encoded_image())
    assert app.subheader[0].value == "No pneumonia suspected"


def test_without_an_evaluation_the_threshold_is_not_validated(app: AppTest) -> None:
    upload(app, encoded_image())
    assert "not been validated" in all_text(app)


def test_after_another_deployment_a_result_is_not_shown_with_the_new_models_evaluation(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(app, encoded_image())
    monkeypatch.setenv("MODEL_VERSION", "pneumonia-test-later")
    forget_environment()
    st.cache_data.clear()
    app.run()
    assert "not been validated" not in all_text(app)
    assert "`pneumonia-test-later`" in all_text(app)


def test_a_rerun_sends_nothing_again(app: AppTest, api: Api) -> None:
    upload(app, encoded_image())
    app.run()
    app.run()
    assert len(api.bodies) == 1


def test_another_image_replaces_the_result(app: AppTest, api: Api) -> None:
    api.runtime.replies.append(Reply(body=b"[0.1, 0.9]"))
    upload(app, encoded_image())
    upload(app, encoded_image()[:300], "broken.jpeg")
    assert not app.subheader
    assert "90.0 %" not in all_text(app)
    api.runtime.replies.append(Reply(body=b"[0.8, 0.2]"))
    upload(app, encoded_image(size=(400, 300)), "other.jpeg")
    assert app.subheader[0].value == "No pneumonia suspected"


def test_without_an_image_there_is_no_result(app: AppTest) -> None:
    upload(app, encoded_image())
    app.file_uploader[0].set_value(None)
    app.run()
    assert not app.subheader
    assert "reading" not in app.session_state


def test_a_broken_image_is_rejected_before_anything_is_sent(app: AppTest, api: Api) -> None:
    upload(app, encoded_image()[:300], "broken.jpeg")
    assert r"broken\.jpeg" in app.error[0].value
    assert api.bodies == []


def test_after_a_temporary_failure_a_retry_shows_the_result(app: AppTest, api: Api) -> None:
    api.runtime.replies.append(failure(424, "ModelError", OriginalStatusCode=500))
    upload(app, encoded_image())
    assert app.error
    press(app, "Try again")
    assert not app.error
    assert app.subheader


def test_a_wrong_key_offers_no_retry(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "wrong")
    app = upload(start(), encoded_image())
    assert "API_KEY" in app.error[0].value
    assert not app.button


def test_a_page_of_text_is_rejected_with_the_reason(app: AppTest) -> None:
    upload(app, page_of_text(), "letter.png")
    assert "white" in app.error[0].value
    assert not app.subheader


def test_the_synthetic_images_are_named_as_such(app: AppTest, api: Api) -> None:
    for choice in (NORMAL, PNEUMONIA):
        app.button_group[0].set_value(choice).run()
        assert app.subheader
        assert "Synthetic image" in all_text(app)
    assert len(set(api.bodies)) == 2


def test_the_heat_map_is_requested_once_and_has_an_opacity(app: AppTest, api: Api) -> None:
    upload(app, encoded_image())
    api.runtime.model = depends_on_bytes
    press(app, "Show heat map")
    calls = len(api.runtime.received)
    assert "**Orange** regions" in all_text(app)
    (opacity,) = [slider for slider in app.slider if "Opacity" in slider.label]
    opacity.set_value(0).run()
    opacity.set_value(80).run()
    assert not app.exception
    assert len(api.runtime.received) == calls


def test_a_confident_model_gets_a_heat_map_with_its_scale(app: AppTest, api: Api) -> None:
    upload(app, encoded_image())
    answers = iter([b"[0.01, 0.99]"] * 20 + [b"[0.015, 0.985]"] + [b"[0.01, 0.99]"] * 29)
    api.runtime.model = lambda received: Reply(body=next(answers))
    press(app, "Show heat map")
    assert "-0.41" in all_text(app)
    assert "below 0.2" in all_text(app)
    assert "No single region" not in all_text(app)


def test_changes_within_noise_give_a_map_without_colours(app: AppTest, api: Api) -> None:
    upload(app, encoded_image())
    answers = iter([b"[0.01, 0.99]", b"[0.0105, 0.9895]"] * 25)
    api.runtime.model = lambda received: Reply(body=next(answers))
    press(app, "Show heat map")
    assert "No single region matters" in all_text(app)
    assert "less than 0.2" in all_text(app)
    assert "**Orange** regions" not in all_text(app)
    assert not [slider for slider in app.slider if "Opacity" in slider.label]


def depends_on_bytes(received: Received) -> Reply:
    """Answer from the image's bytes: covering a region changes the answer."""
    return Reply(body=f"[{1 - len(received.body) % 97 / 100}, {len(received.body) % 97 / 100}]".encode())


def test_a_failed_heat_map_can_be_requested_again(app: AppTest, api: Api) -> None:
    upload(app, encoded_image())
    api.runtime.model = lambda received: failure(424, "ModelError", OriginalStatusCode=500)
    press(app, "Show heat map")
    assert app.error
    api.runtime.model = depends_on_bytes
    press(app, "Try again")
    assert not app.error


def test_another_image_does_not_get_the_heat_map_of_the_first(app: AppTest, api: Api) -> None:
    api.runtime.model = depends_on_bytes
    press(upload(app, encoded_image()), "Show heat map")
    upload(app, encoded_image(size=(400, 300)), "other.jpeg")
    assert not [slider for slider in app.slider if "Opacity" in slider.label]


def test_window_and_level_do_not_change_what_is_sent(app: AppTest, api: Api) -> None:
    upload(app, encoded_image())
    (level,) = [slider for slider in app.slider if slider.label.startswith("Level")]
    level.set_value(60).run()
    assert not app.exception
    assert api.bodies == [encoded_image()]


def test_the_key_never_reaches_the_browser(app: AppTest, api: Api) -> None:
    upload(app, encoded_image())
    assert KEY not in all_text(app)
    api.runtime.replies.extend([failure(503, "ServiceUnavailable")] * 8)
    upload(app, encoded_image(size=(300, 300)))
    assert app.error
    assert KEY not in all_text(app)


def test_two_sessions_do_not_see_each_others_images(app: AppTest) -> None:
    upload(app, encoded_image())
    other = start()
    assert not other.subheader


def test_without_settings_the_page_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("API_URL", raising=False)
    monkeypatch.delenv("API_KEY", raising=False)
    app = start()
    assert "API_URL and API_KEY" in app.error[0].value
    assert "make app" in app.code[0].value


def test_regions_that_were_not_measured_are_drawn_and_named(app: AppTest, api: Api) -> None:
    upload(app, encoded_image())
    values = [[0.0, None], [None, 0.0]]
    heat = {"values": values, "units": "log-odds", "minimum_change": 0.2, "resize_mode": "squash", "complete": False,
            "calls": 3}  # fmt: skip
    api.gateway_answers.append((200, json.dumps({"heat_map": heat}).encode(), {}))
    press(app, "Show heat map")
    assert "hatched" in all_text(app)
    assert "2 x 2" in all_text(app)
    assert [slider for slider in app.slider if "Opacity" in slider.label]
