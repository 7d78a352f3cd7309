"""The client against the real proxy: predictions and errors."""

import json
import socket
from pathlib import Path

import pytest

from frontend.api_models import Grid, HeatMap, Prediction
from frontend.client import ApiError, Client
from frontend.settings import AppSettings
from radiograph import MAX_BYTES, MAX_UPLOAD_BYTES
from tests.lambda_.conftest import ENVIRONMENT
from tests.lambda_.events import encoded_image
from tests.lambda_.runtime import Received, Reply, failure
from tests.ports import free_port

from .conftest import KEY, Api, gateway_error

OPENAPI = Path(__file__).resolve().parents[2] / "lambda" / "inference_proxy" / "openapi.json"


def error_of(api: Api, image: bytes = b"", key: str = KEY, url: str | None = None) -> ApiError:
    with pytest.raises(ApiError) as caught:
        Client(AppSettings(url or api.url, key)).predict(image or encoded_image(), "image/jpeg")
    return caught.value


def test_an_image_gets_the_models_probability(api: Api) -> None:
    api.runtime.replies.append(Reply(body=b"[0.1, 0.9]"))
    prediction = Client(api.settings).predict(encoded_image(), "image/jpeg")
    assert isinstance(prediction, Prediction)
    assert (prediction.label, prediction.probability, prediction.threshold) == ("PNEUMONIA", 0.9, 0.5)
    assert prediction.request_id
    assert prediction.seconds > 0


def test_the_images_bytes_arrive_unchanged(api: Api) -> None:
    image = encoded_image("PNG")
    Client(api.settings).predict(image, "image/png")
    assert api.bodies == [image]


def test_a_wrong_key_is_not_retryable(api: Api) -> None:
    error = error_of(api, key="wrong")
    assert (error.status, error.code, error.retryable) == (403, "invalid_api_key", False)


def test_a_broken_image_gets_the_apis_code_and_message(api: Api) -> None:
    error = error_of(api, image=encoded_image()[:200])
    assert (error.status, error.code, error.retryable) == (400, "truncated", False)
    assert "JPEG" in error.detail


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (failure(400, "ThrottlingException"), 429),
        (failure(424, "ModelError", OriginalStatusCode=500), 502),
        (failure(503, "ServiceUnavailable"), 503),
    ],
)
def test_a_temporary_failure_is_retryable(api: Api, reply: Reply, status: int) -> None:
    api.runtime.replies.extend([reply] * 8)
    error = error_of(api)
    assert (error.status, error.retryable) == (status, True)


def test_a_response_of_another_server_points_to_the_address(api: Api) -> None:
    api.gateway_answers.append((200, b"<html>Welcome</html>", {}))
    error = error_of(api)
    assert error.code == "unexpected_answer"
    assert "API_URL" in error.detail


def test_an_image_above_the_limit_of_a_request_is_uploaded(api: Api) -> None:
    image = encoded_image("PNG", size=(2600, 2000), compress_level=0)
    assert MAX_BYTES < len(image) < MAX_UPLOAD_BYTES
    objects: dict[str, bytes] = {}

    def storage_and_model(received: Received) -> Reply:
        key = received.path.partition("?")[0]
        if received.method == "PUT":
            assert received.headers["x-api-key"] is None
            objects[key] = received.body
        return Reply() if received.method == "POST" else Reply(body=objects[key])

    api.runtime.model = storage_and_model
    client = Client(api.settings)
    assert client.predict(image, "image/png").probability == 0.75
    assert client.explain(image, "image/png").complete
    assert set(objects.values()) == {image}
    assert max(map(len, api.bodies)) < 1000


def test_an_upload_that_the_storage_refuses_is_an_error(api: Api) -> None:
    api.runtime.replies.append(Reply(403, b"<Error/>"))
    error = error_of(api, encoded_image("PNG", size=(2600, 2000), compress_level=0))
    assert (error.status, error.code, error.retryable) == (403, "upload_failed", False)


@pytest.mark.parametrize("body", [b"HTTP content length exceeded 10485760 bytes.", b'{"message": "Request Too Long"}'])
def test_the_gateways_answers_to_large_bodies_say_that_the_image_is_too_large(api: Api, body: bytes) -> None:
    api.gateway_answers.append((413, body, {}))
    error = error_of(api)
    assert (error.status, error.code, error.retryable) == (413, "too_large", False)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"label": "NORMAL", "probability": "high"}'])
def test_json_that_is_not_a_prediction_is_an_error(api: Api, body: bytes) -> None:
    api.gateway_answers.append((200, body, {}))
    assert error_of(api).code == "unexpected_answer"


def test_an_unreachable_address_is_named_without_the_key(api: Api) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    error = error_of(api, url=url)
    assert (error.status, error.code, error.retryable) == (0, "unreachable", True)
    assert url in error.detail
    assert KEY not in f"{error!r} {error}"


def test_an_api_that_does_not_answer_in_time_can_be_asked_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frontend.client.READ_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = error_of(api, url=f"http://127.0.0.1:{silent.getsockname()[1]}/")
    assert (error.status, error.code, error.retryable) == (0, "no_answer", True)


def test_the_key_is_in_no_representation_of_the_settings(api: Api) -> None:
    assert KEY not in repr(api.settings)


def test_a_heat_map_is_a_grid(api: Api) -> None:
    heat = Client(api.settings).explain(encoded_image(), "image/jpeg")
    side = len(heat.values)  # 7, or fewer on a slow machine
    assert (len(heat.values[0]), heat.complete, heat.calls) == (side, True, 1 + side**2)
    assert heat.strongest == 0


@pytest.mark.parametrize("values", [(), ((),), ((0.1,), (0.1, 0.2))])
def test_a_heat_map_that_is_not_a_grid_is_an_error(values: Grid) -> None:
    with pytest.raises(ValueError, match="grid"):
        HeatMap.check_grid(values)


def test_a_heat_map_in_unknown_units_is_an_error(api: Api) -> None:
    heat = {
        "values": [[0.1]],
        "units": "probability",
        "minimum_change": 0.2,
        "resize_mode": "squash",
        "complete": True,
        "calls": 2,
    }
    api.gateway_answers.append((200, json.dumps({"heat_map": heat}).encode(), {}))
    with pytest.raises(ApiError) as caught:
        Client(api.settings).explain(encoded_image(), "image/jpeg")
    assert caught.value.code == "unexpected_answer"


def test_a_model_without_an_evaluation_is_described(api: Api) -> None:
    model = Client(api.settings).model()
    assert (model.model_version, model.resize_mode) == (ENVIRONMENT["MODEL_VERSION"], "squash")
    assert model.evaluation is None


def test_a_throttled_client_gets_the_seconds_to_wait(api: Api) -> None:
    api.gateway_answers.append(gateway_error("THROTTLED", **{"Retry-After": "3"}))
    error = error_of(api)
    assert (error.status, error.code, error.retry_after, error.retryable) == (429, "throttled", 3, True)


def test_an_exceeded_quota_is_not_retryable(api: Api) -> None:
    api.gateway_answers.append(gateway_error("QUOTA_EXCEEDED", **{"Retry-After": "3600"}))
    assert not error_of(api).retryable


def test_a_redirect_is_not_followed_with_the_key(api: Api) -> None:
    api.gateway_answers.append((302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}))
    assert error_of(api).code == "unexpected_answer"


def test_the_contract_requires_every_field_that_the_client_reads() -> None:
    schemas = json.loads(OPENAPI.read_text(encoding="utf-8"))["components"]["schemas"]
    for name, fields in {
        "Prediction": {"label", "probability", "threshold", "threshold_source", "model_version", "request_id"},
        "Explanation": {"heat_map"},
        "Model": {
            "model_version",
            "resize_mode",
            "threshold",
            "threshold_source",
            "evaluation",
            "report_url",
            "endpoint",
            "lease",
        },
    }.items():
        assert fields <= set(schemas[name]["required"])
    heat_map = {"values", "units", "minimum_change", "resize_mode", "complete", "calls"}
    assert heat_map <= set(schemas["HeatMap"]["required"])
