"""The page for many images."""

import pytest
from streamlit.testing.v1 import AppTest

from frontend.table import FAILED
from tests.lambda_.events import encoded_image
from tests.lambda_.runtime import Reply

from .conftest import KEY, Api, everything, refused_by_gateway, started
from .test_archive import zipped


@pytest.fixture
def app(api: Api) -> AppTest:
    return started("many_images_page")


def choose(app: AppTest, *files: tuple[str, bytes, str]) -> AppTest:
    app.file_uploader[0].set_value(list(files)).run()
    assert not app.exception
    return app


def read(app: AppTest) -> AppTest:
    button = next(button for button in app.button if button.label.startswith(("Read ", "Go on")))
    button.click().run()
    assert not app.exception
    return app


def image(number: int) -> tuple[str, bytes, str]:
    return f"{number}.jpg", encoded_image(size=(300 + number, 300)), "image/jpeg"


def test_nothing_is_asked_before_the_person_says_so(app: AppTest, api: Api) -> None:
    choose(app, image(1), image(2))
    assert api.bodies == []
    assert app.button[0].label == "Read 2 images"


def test_images_and_those_inside_a_zip_come_as_one_table(app: AppTest, api: Api) -> None:
    archive = ("images.zip", zipped({"a.jpg": image(8)[1], "broken.jpg": encoded_image()[:300]}), "application/zip")
    read(choose(app, image(1), archive))
    table = app.dataframe[0].value
    assert sorted(table["file"]) == ["1.jpg", "a.jpg", "broken.jpg"]
    assert table["probability"].notna().sum() == 2
    assert len(api.bodies) == 2


def test_the_filter_leaves_what_it_names(app: AppTest) -> None:
    read(choose(app, image(1), ("broken.jpg", encoded_image()[:300], "image/jpeg")))
    app.button_group[0].set_value(FAILED).run()
    assert list(app.dataframe[0].value["file"]) == ["broken.jpg"]


def test_a_rerun_asks_about_nothing_again(app: AppTest, api: Api) -> None:
    read(choose(app, image(1), image(2)))
    app.run()
    assert not app.exception
    assert len(api.bodies) == 2
    assert not any("images" in button.label for button in app.button)


def test_an_image_that_is_taken_away_takes_its_result_along(app: AppTest) -> None:
    read(choose(app, image(1)))
    app.file_uploader[0].set_value([]).run()
    assert not app.dataframe
    assert app.session_state["rows"] == {}


def test_a_used_up_quota_ends_the_batch_and_says_what_to_do(app: AppTest, api: Api) -> None:
    api.gateway_answers.extend([refused_by_gateway("QUOTA_EXCEEDED", **{"Retry-After": "3600"})] * 40)
    read(choose(app, *[image(number) for number in range(12)]))
    assert "The rest was not asked" in app.error[0].value
    assert "daily_quota" in app.error[0].value
    assert len(app.dataframe[0].value) < 12
    assert any(button.label.startswith("Go on with") for button in app.button)


def test_unanswered_images_can_be_tried_again(app: AppTest, api: Api) -> None:
    api.gateway_answers.extend([refused_by_gateway("QUOTA_EXCEEDED")] * 4)
    read(choose(app, image(1)))
    api.gateway_answers.clear()
    next(button for button in app.button if "again" in button.label).click().run()
    read(app)
    assert app.dataframe[0].value["probability"].notna().all()


def test_the_table_holds_neither_the_key_nor_an_image_in_full(app: AppTest, api: Api) -> None:
    api.runtime.replies.append(Reply(body=b"[0.1, 0.9]"))
    read(choose(app, image(1)))
    assert KEY not in everything(app)
    assert all(len(url) < 10_000 for url in app.dataframe[0].value["image"])
