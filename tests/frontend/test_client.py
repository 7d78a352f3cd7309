"""The client against the real proxy: predictions, and every kind of refusal as a sentence."""

import json
from pathlib import Path

import pytest

from frontend.api_models import Prediction
from frontend.client import Client, RefusalError
from frontend.settings import Settings
from tests.lambda_.events import encoded_image
from tests.lambda_.runtime import Reply, failure
from tests.ports import free_port

from .conftest import KEY, Api, refused_by_gateway

OPENAPI = Path(__file__).resolve().parents[2] / "lambda" / "inference_proxy" / "openapi.json"


def refusal(api: Api, image: bytes = b"", key: str = KEY, url: str | None = None) -> RefusalError:
    with pytest.raises(RefusalError) as caught:
        Client(Settings(url or api.url, key)).predict(image or encoded_image(), "image/jpeg")
    return caught.value


def test_an_image_gets_the_models_probability(api: Api) -> None:
    api.runtime.replies.append(Reply(body=b"[0.1, 0.9]"))
    found = Client(api.settings).predict(encoded_image(), "image/jpeg")
    assert isinstance(found, Prediction)
    assert (found.label, found.probability, found.threshold) == ("PNEUMONIA", 0.9, 0.5)
    assert found.request_id
    assert 0 < found.seconds < 10


def test_the_images_bytes_arrive_as_they_are(api: Api) -> None:
    image = encoded_image("PNG")
    Client(api.settings).predict(image, "image/png")
    assert api.bodies == [image]


def test_a_wrong_key_is_a_refusal_that_trying_again_cannot_mend(api: Api) -> None:
    found = refusal(api, key="wrong")
    assert (found.status, found.code, found.retryable) == (403, "invalid_api_key", False)


def test_a_broken_image_comes_back_with_the_apis_code_and_sentence(api: Api) -> None:
    found = refusal(api, image=encoded_image()[:200])
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
    api.gateway_answers.append((200, b"<html>Welcome</html>", {}))
    found = refusal(api)
    assert found.code == "unexpected_answer"
    assert "API_URL" in found.detail


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"label": "NORMAL", "probability": "high"}'])
def test_json_that_is_no_prediction_is_refused(api: Api, body: bytes) -> None:
    api.gateway_answers.append((200, body, {}))
    assert refusal(api).code == "unexpected_answer"


def test_an_address_where_nothing_listens_is_named_without_the_key(api: Api) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    found = refusal(api, url=url)
    assert (found.status, found.code, found.retryable) == (0, "unreachable", True)
    assert url in found.detail
    assert KEY not in f"{found!r} {found}"


def test_the_key_is_in_no_representation_of_the_settings(api: Api) -> None:
    assert KEY not in repr(api.settings)


def test_a_heat_map_comes_as_a_grid(api: Api) -> None:
    found = Client(api.settings).explain(encoded_image(), "image/jpeg")
    assert (len(found.values), len(found.values[0]), found.complete, found.calls) == (7, 7, True, 50)
    assert found.strongest == 0


def test_a_heat_map_in_other_units_is_not_drawn_on_the_wrong_scale(api: Api) -> None:
    heat = {
        "values": [[0.1]],
        "units": "probability",
        "minimum_change": 0.2,
        "resize_mode": "squash",
        "complete": True,
        "calls": 2,
    }
    api.gateway_answers.append((200, json.dumps({"heat_map": heat}).encode(), {}))
    with pytest.raises(RefusalError) as caught:
        Client(api.settings).explain(encoded_image(), "image/jpeg")
    assert caught.value.code == "unexpected_answer"


def test_the_model_says_what_it_is_before_it_was_evaluated(api: Api) -> None:
    found = Client(api.settings).model()
    assert (found.version, found.resize_mode, found.evaluation) == ("pneumonia-test-20261124-031500", "squash", None)


def test_a_throttled_client_learns_how_long_to_wait(api: Api) -> None:
    api.gateway_answers.append(refused_by_gateway("THROTTLED", **{"Retry-After": "3"}))
    found = refusal(api)
    assert (found.status, found.code, found.retry_after, found.retryable) == (429, "throttled", 3, True)


def test_a_used_up_quota_is_nothing_to_try_again(api: Api) -> None:
    api.gateway_answers.append(refused_by_gateway("QUOTA_EXCEEDED", **{"Retry-After": "3600"}))
    assert not refusal(api).retryable


def test_a_redirect_is_not_followed_with_the_key(api: Api) -> None:
    api.gateway_answers.append((302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}))
    assert refusal(api).code == "unexpected_answer"


def test_what_the_client_reads_is_in_the_contract() -> None:
    """Every field that frontend/api_models.py takes is required by the schema of its route in the OpenAPI document."""
    schemas = json.loads(OPENAPI.read_text(encoding="utf-8"))["components"]["schemas"]
    for name, fields in {
        "Prediction": {"label", "probability", "threshold", "threshold_source", "model_version", "request_id"},
        "Explanation": {"heat_map"},
        "Model": {"model_version", "resize_mode", "threshold", "threshold_source", "evaluation", "report_url", "lease"},
    }.items():
        assert fields <= set(schemas[name]["required"])
    heat_map = {"values", "units", "minimum_change", "resize_mode", "complete", "calls"}
    assert heat_map <= set(schemas["HeatMap"]["required"])
