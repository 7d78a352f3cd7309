"""The client against the real proxy: predictions, and every kind of refusal as a sentence."""

import socket

import pytest

from frontend.client import Client, Prediction, RefusalError
from frontend.settings import Settings
from tests.lambda_.events import image
from tests.lambda_.runtime import Reply, failure

from .conftest import KEY, Api


def refusal(api: Api, film: bytes = b"", key: str = KEY, url: str | None = None) -> RefusalError:
    with pytest.raises(RefusalError) as caught:
        Client(Settings(url or api.url, key)).predict(film or image(), "image/jpeg")
    return caught.value


def test_a_film_gets_the_models_probability(api: Api) -> None:
    api.runtime.replies.append(Reply(body=b"[0.1, 0.9]"))
    found = Client(api.settings).predict(image(), "image/jpeg")
    assert isinstance(found, Prediction)
    assert (found.label, found.probability, found.threshold) == ("PNEUMONIA", 0.9, 0.5)
    assert found.request_id
    assert 0 < found.seconds < 10


def test_the_films_bytes_arrive_as_they_are(api: Api) -> None:
    film = image("PNG")
    Client(api.settings).predict(film, "image/png")
    assert api.bodies == [film]


def test_a_wrong_key_is_a_refusal_that_trying_again_cannot_mend(api: Api) -> None:
    found = refusal(api, key="wrong")
    assert (found.status, found.detail, found.retryable) == (403, "Forbidden", False)


def test_a_broken_film_comes_back_with_the_apis_code_and_sentence(api: Api) -> None:
    found = refusal(api, film=image()[:200])
    assert (found.status, found.code, found.retryable) == (400, "truncated", False)
    assert found.detail.endswith(".")


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (failure(400, "ThrottlingException"), 429),
        (failure(424, "ModelError", OriginalStatusCode=500), 502),
        (failure(503, "ServiceUnavailable"), 503),
    ],
)
def test_what_passes_by_itself_can_be_tried_again(api: Api, reply: Reply, status: int) -> None:
    api.runtime.replies.extend([reply] * 8)
    found = refusal(api)
    assert (found.status, found.retryable) == (status, True)


def test_a_page_of_another_server_is_named_as_such(api: Api) -> None:
    api.gateway_answer = (200, b"<html>Welcome</html>")
    found = refusal(api)
    assert found.code == "unexpected_answer"
    assert "API_URL" in found.detail


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"label": "NORMAL", "probability": "high"}'])
def test_json_that_is_no_prediction_is_refused(api: Api, body: bytes) -> None:
    api.gateway_answer = (200, body)
    assert refusal(api).code == "unexpected_answer"


def test_an_address_where_nothing_listens_is_named_without_the_key(api: Api) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    found = refusal(api, url=url)
    assert (found.status, found.code, found.retryable) == (0, "unreachable", True)
    assert url in found.detail
    assert KEY not in f"{found!r} {found}"


def test_the_key_is_in_no_representation_of_the_settings(api: Api) -> None:
    assert KEY not in repr(api.settings)
