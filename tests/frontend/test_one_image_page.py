"""The page for one image as a person uses it: choose an image, read the result or the reason why there is none."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from frontend.one_image_page import NORMAL, PNEUMONIA
from tests.lambda_.conftest import forget_environment
from tests.lambda_.events import encoded_image
from tests.lambda_.runtime import Received, Reply, failure
from tests.radiograph.files import page_of_text

from .conftest import APP, KEY, Api, everything


@pytest.fixture
def app(api: Api) -> AppTest:
    return start()


def start() -> AppTest:
    started = AppTest.from_file(str(APP), default_timeout=20).run()
    assert not started.exception
    return started


def upload(app: AppTest, data: bytes, name: str = "image.jpeg") -> AppTest:
    app.file_uploader[0].set_value((name, data, "image/jpeg"))
    app.run()
    assert not app.exception
    return app


def press(app: AppTest, words: str) -> AppTest:
    (found,) = [button for button in app.button if words in button.label]
    found.click().run()
    assert not app.exception
    return app


def test_the_page_says_at_once_that_it_is_no_medical_device(app: AppTest) -> None:
    assert "Not a medical device" in app.warning[0].value


def test_an_image_above_the_threshold_is_suspected(app: AppTest, api: Api) -> None:
    api.runtime.replies.append(Reply(body=b"[0.1, 0.9]"))
    upload(app, encoded_image())
    assert app.subheader[0].value == "Pneumonia suspected"
    assert "90.0 %" in everything(app)


def test_an_image_below_the_threshold_is_not(app: AppTest, api: Api) -> None:
    api.runtime.replies.append(Reply(body=b"[0.7, 0.3]"))
    upload(app, encoded_image())
    assert app.subheader[0].value == "No pneumonia suspected"


def test_without_an_evaluation_the_page_says_that_the_threshold_is_worth_nothing_known(app: AppTest) -> None:
    upload(app, encoded_image())
    assert "deployed without an evaluation" in everything(app)


def test_after_another_deployment_a_result_does_not_stand_beside_the_new_models_figures(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(app, encoded_image())
    monkeypatch.setenv("MODEL_VERSION", "pneumonia-test-later")
    forget_environment()
    st.cache_data.clear()
    app.run()
    assert "deployed without an evaluation" not in everything(app)
    assert "read by another model than the present one, `pneumonia-test-later`" in everything(app)


def test_a_rerun_does_not_ask_again(app: AppTest, api: Api) -> None:
    upload(app, encoded_image())
    app.run()
    app.run()
    assert len(api.bodies) == 1


def test_the_result_goes_with_the_image_it_belongs_to(app: AppTest, api: Api) -> None:
    api.runtime.replies.append(Reply(body=b"[0.1, 0.9]"))
    upload(app, encoded_image())
    upload(app, encoded_image()[:300], "broken.jpeg")
    assert not app.subheader
    assert "90.0 %" not in everything(app)
    api.runtime.replies.append(Reply(body=b"[0.8, 0.2]"))
    upload(app, encoded_image(size=(400, 300)), "other.jpeg")
    assert app.subheader[0].value == "No pneumonia suspected"


def test_without_an_image_there_is_no_result(app: AppTest) -> None:
    upload(app, encoded_image())
    app.file_uploader[0].set_value(None)
    app.run()
    assert not app.subheader
    assert "reading" not in app.session_state


def test_a_broken_image_is_refused_before_anything_is_sent(app: AppTest, api: Api) -> None:
    upload(app, encoded_image()[:300], "broken.jpeg")
    assert r"broken\.jpeg cannot be read" in app.error[0].value
    assert api.bodies == []


def test_after_a_passing_failure_trying_again_brings_the_result(app: AppTest, api: Api) -> None:
    api.runtime.replies.append(failure(424, "ModelError", OriginalStatusCode=500))
    upload(app, encoded_image())
    assert app.error
    press(app, "Try again")
    assert not app.error
    assert app.subheader


def test_a_wrong_key_offers_no_retry(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "wrong")
    app = upload(start(), encoded_image())
    assert "API_KEY does not open this API" in app.error[0].value
    assert not app.button


def test_a_page_of_text_gets_the_reason_and_no_prediction(app: AppTest) -> None:
    upload(app, page_of_text(), "letter.png")
    assert "mostly white" in app.error[0].value
    assert not app.subheader


def test_the_synthetic_images_are_offered_and_named_as_such(app: AppTest, api: Api) -> None:
    for choice in (NORMAL, PNEUMONIA):
        app.button_group[0].set_value(choice).run()
        assert app.subheader
        assert "Synthetic image" in everything(app)
    assert len(set(api.bodies)) == 2


def test_the_heat_map_is_asked_for_once_and_has_an_opacity(app: AppTest, api: Api) -> None:
    upload(app, encoded_image())
    api.runtime.model = brighter_is_ill
    press(app, "Show which parts")
    asked = len(api.runtime.received)
    assert "speak for pneumonia" in everything(app)
    (opacity,) = [slider for slider in app.slider if "Opacity" in slider.label]
    opacity.set_value(0).run()
    opacity.set_value(80).run()
    assert not app.exception
    assert len(api.runtime.received) == asked


def test_a_sure_model_gets_a_heat_map_with_its_scale(app: AppTest, api: Api) -> None:
    upload(app, encoded_image())
    answers = iter([b"[0.01, 0.99]"] * 20 + [b"[0.015, 0.985]"] + [b"[0.01, 0.99]"] * 29)
    api.runtime.model = lambda received: Reply(body=next(answers))
    press(app, "Show which parts")
    assert "-0.41" in everything(app)
    assert "Regions below 0.2 are not coloured" in everything(app)
    assert "No single region" not in everything(app)


def test_where_only_noise_changes_the_page_says_that_no_region_matters(app: AppTest, api: Api) -> None:
    upload(app, encoded_image())
    answers = iter([b"[0.01, 0.99]", b"[0.0105, 0.9895]"] * 25)
    api.runtime.model = lambda received: Reply(body=next(answers))
    press(app, "Show which parts")
    assert "No single region matters" in everything(app)
    assert "less than 0.2" in everything(app)
    assert "speak for" not in everything(app)
    assert not [slider for slider in app.slider if "Opacity" in slider.label]


def brighter_is_ill(received: Received) -> Reply:
    """A model whose answer depends on the image's bytes, so that covering a part changes it."""
    return Reply(body=f"[{1 - len(received.body) % 97 / 100}, {len(received.body) % 97 / 100}]".encode())


def test_a_heat_map_that_failed_can_be_asked_for_again(app: AppTest, api: Api) -> None:
    upload(app, encoded_image())
    api.runtime.model = lambda received: failure(424, "ModelError", OriginalStatusCode=500)
    press(app, "Show which parts")
    assert app.error
    api.runtime.model = brighter_is_ill
    press(app, "Try again")
    assert not app.error


def test_another_image_has_no_heat_map_of_the_one_before(app: AppTest, api: Api) -> None:
    api.runtime.model = brighter_is_ill
    press(upload(app, encoded_image()), "Show which parts")
    upload(app, encoded_image(size=(400, 300)), "other.jpeg")
    assert not [slider for slider in app.slider if "Opacity" in slider.label]


def test_window_and_level_change_nothing_that_is_sent(app: AppTest, api: Api) -> None:
    upload(app, encoded_image())
    (level,) = [slider for slider in app.slider if slider.label.startswith("Level")]
    level.set_value(60).run()
    assert not app.exception
    assert api.bodies == [encoded_image()]


def test_the_key_never_reaches_the_browser(app: AppTest, api: Api) -> None:
    upload(app, encoded_image())
    assert KEY not in everything(app)
    api.runtime.replies.extend([failure(503, "ServiceUnavailable")] * 8)
    upload(app, encoded_image(size=(300, 300)))
    assert app.error
    assert KEY not in everything(app)


def test_two_sessions_do_not_see_each_others_images(app: AppTest) -> None:
    upload(app, encoded_image())
    other = start()
    assert not other.subheader


def test_without_an_api_the_page_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("API_URL", raising=False)
    monkeypatch.delenv("API_KEY", raising=False)
    app = start()
    assert "API_URL and API_KEY are not set" in app.error[0].value
    assert "make app" in app.code[0].value
