"""An image in an event of API Gateway gets a prediction."""

import base64
import json
from typing import Any

import pytest
from inference_proxy.prediction import DISCLAIMER

from radiograph import encode, standardise

from .conftest import ENVIRONMENT, Ask
from .events import encoded_image, event, image_in, post
from .runtime import Reply, Runtime, authorization, failure, signature


@pytest.mark.parametrize(
    "name", ["predict_jpeg", "predict_png_http2", "predict_x_image_custom_domain", "predict_greedy_resource"]
)
def test_each_recorded_event_gets_a_prediction(name: str, ask: Ask) -> None:
    recorded = event(name)
    response = ask(recorded)
    assert response.status == 200
    assert response.headers == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Request-Id": recorded["requestContext"]["requestId"],
    }
    assert response.body == {
        "label": "PNEUMONIA",
        "probability": 0.75,
        "probabilities": {"NORMAL": 0.25, "PNEUMONIA": 0.75},
        "threshold": 0.5,
        "threshold_source": "default",
        "model_version": ENVIRONMENT["MODEL_VERSION"],
        "request_id": recorded["requestContext"]["requestId"],
        "disclaimer": DISCLAIMER,
    }


@pytest.mark.parametrize("name", ["predict_jpeg", "predict_png_http2"])
def test_the_endpoint_gets_exactly_the_standardised_image(name: str, ask: Ask, runtime: Runtime) -> None:
    recorded = event(name)
    ask(recorded)
    (received,) = runtime.received
    assert received.body == encode(standardise(image_in(recorded)))
    assert received.path == "/endpoints/pneumonia-test/invocations"
    assert (received.headers["Content-Type"], received.headers["Accept"]) == ("image/jpeg", "application/json")


def test_an_image_is_made_square_as_the_training_images_were(
    environment: pytest.MonkeyPatch, ask: Ask, runtime: Runtime
) -> None:
    environment.setenv("RESIZE_MODE", "pad")
    recorded = event("predict_jpeg")
    assert ask(recorded).status == 200
    (received,) = runtime.received
    padded, squashed = (encode(standardise(image_in(recorded), resize_mode=mode)) for mode in ("pad", "squash"))
    assert received.body == padded != squashed


def test_the_call_is_signed_for_sagemaker_with_the_session_token(ask: Ask, runtime: Runtime) -> None:
    ask(event("predict_jpeg"))
    (received,) = runtime.received
    fields = authorization(received)
    date = received.headers["X-Amz-Date"][:8]
    assert fields["Credential"] == f"ASIAEXAMPLE/{date}/eu-west-1/sagemaker/aws4_request"
    assert {"host", "x-amz-date", "x-amz-security-token"} <= set(fields["SignedHeaders"].split(";"))
    assert received.headers["X-Amz-Security-Token"] == "token-of-the-test"
    assert fields["Signature"] == signature(received, "secret-of-the-test")


def test_refreshed_credentials_sign_the_next_call(ask: Ask, runtime: Runtime, environment: pytest.MonkeyPatch) -> None:
    ask(event("predict_jpeg"))
    environment.setenv("AWS_ACCESS_KEY_ID", "ASIAREFRESHED")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    environment.delenv("AWS_SESSION_TOKEN")
    assert ask(event("predict_jpeg")).status == 200
    received = runtime.received[-1]
    assert authorization(received)["Credential"].startswith("ASIAREFRESHED/")
    assert authorization(received)["Signature"] == signature(received, "another-secret")
    assert "X-Amz-Security-Token" not in received.headers


def test_invocations_share_one_connection(ask: Ask, runtime: Runtime) -> None:
    for _ in range(5):
        assert ask(event("predict_jpeg")).status == 200
    assert len({received.connection for received in runtime.received}) == 1


def test_a_connection_stays_usable_after_an_error(ask: Ask, runtime: Runtime) -> None:
    runtime.replies.append(failure(424, "ModelError", OriginalStatusCode=500))
    ask(event("predict_jpeg"))
    ask(event("predict_jpeg"))
    assert len({received.connection for received in runtime.received}) == 1


def test_the_runtimes_own_endpoint_url_wins(ask: Ask, runtime: Runtime, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    environment.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", runtime.url + "/")
    assert ask(event("predict_jpeg")).status == 200
    assert len(runtime.received) == 1


def test_an_image_of_the_largest_size_is_predicted(ask: Ask) -> None:
    image = encoded_image("PNG")
    # Bytes after the end of a PNG are not part of the image; they pad it to the limit.
    assert ask(post(image + b"\0" * (4_400_000 - len(image)), "image/png")).status == 200


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("image/jpeg", "JPEG"),
        ("IMAGE/JPEG", "JPEG"),
        ("image/jpeg; charset=binary", "JPEG"),
        (" image/png ;q=1", "PNG"),
        ("application/x-image", "JPEG"),
        ("application/x-image", "PNG"),
    ],
)
def test_content_types_are_read_as_http_defines_them(content_type: str, form: str, ask: Ask) -> None:
    assert ask(post(encoded_image(form), content_type)).status == 200


@pytest.mark.parametrize("name", ["content-type", "CONTENT-TYPE", "cOnTeNt-TyPe"])
@pytest.mark.parametrize("shape", ["headers", "multiValueHeaders"])
def test_header_names_are_case_insensitive(name: str, shape: str, ask: Ask) -> None:
    headers: dict[str, Any] = {"headers": None, "multiValueHeaders": None}
    headers[shape] = {name: "image/jpeg" if shape == "headers" else ["image/jpeg"]}
    assert ask(post(encoded_image(), None, **headers)).status == 200


@pytest.mark.parametrize(
    "encoding", [("RGB", "JPEG"), ("CMYK", "JPEG"), ("P", "PNG"), ("RGBA", "PNG"), ("I;16", "PNG")]
)
def test_images_in_any_colour_mode_are_predicted(encoding: tuple[str, str], ask: Ask) -> None:
    mode, form = encoding
    assert ask(post(encoded_image(form, mode=mode), f"image/{form.lower()}")).status == 200


@pytest.mark.parametrize(
    ("score", "label"), [(0.29999, "NORMAL"), (0.3, "PNEUMONIA"), (0.30001, "PNEUMONIA"), (0.0, "NORMAL")]
)
def test_the_label_is_pneumonia_from_the_threshold_on(
    score: float, label: str, ask: Ask, runtime: Runtime, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("THRESHOLD", "0.3")
    environment.setenv("THRESHOLD_SOURCE", "95 % sensitivity on the validation images")
    runtime.replies.append(Reply(body=json.dumps([1 - score, score]).encode()))
    body = ask(event("predict_jpeg")).body
    assert (body["label"], body["probability"], body["threshold"]) == (label, score, 0.3)
    assert body["threshold_source"] == "95 % sensitivity on the validation images"


def test_probabilities_follow_the_order_of_the_classes(ask: Ask, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CLASSES", '["PNEUMONIA", "NORMAL"]')
    body = ask(event("predict_jpeg")).body
    assert (body["label"], body["probability"]) == ("NORMAL", 0.25)
    assert body["probabilities"] == {"PNEUMONIA": 0.25, "NORMAL": 0.75}


@pytest.mark.parametrize("name", ["health", "health_console_test"])
def test_health_answers_without_asking_the_endpoint(name: str, ask: Ask, runtime: Runtime) -> None:
    response = ask(event(name))
    assert response.status == 200
    assert response.body["status"] == "ok"
    assert response.body["model_version"] == ENVIRONMENT["MODEL_VERSION"]
    assert runtime.received == []


def test_a_refused_image_never_reaches_the_endpoint(ask: Ask, runtime: Runtime) -> None:
    assert ask(post(encoded_image()[:900])).status == 400
    assert runtime.received == []


def test_the_recorded_images_are_what_their_headers_say() -> None:
    for name, magic in (("predict_jpeg", b"\xff\xd8\xff"), ("predict_png_http2", b"\x89PNG")):
        assert base64.b64decode(event(name)["body"], validate=True).startswith(magic)
