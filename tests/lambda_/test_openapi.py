"""The API and its OpenAPI document describe the same routes, responses and limits."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import openapi
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from inference_proxy.problems import KINDS
from inference_proxy.routes import OPENAPI, ROUTES
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from radiograph import MAX_BYTES, MAX_UPLOAD_BYTES

from .conftest import Ask
from .events import event, get, post
from .gateway import Gateway
from .hostile import JPEG, PNG
from .runtime import Runtime

DOCUMENT: dict[str, Any] = json.loads(OPENAPI.read_text(encoding="utf-8"))
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
BODIES = st.one_of(
    st.sampled_from([JPEG, PNG]),
    st.integers(1, len(JPEG) - 1).map(lambda size: JPEG[:size]),
    st.tuples(st.integers(0, len(JPEG) - 1), st.binary(min_size=1, max_size=8)).map(
        lambda change: JPEG[: change[0]] + change[1] + JPEG[change[0] + len(change[1]) :]
    ),
    st.binary(max_size=200),
)
"""Bodies for image types: images, truncated images, images with changed bytes, and any bytes."""

schemathesis.openapi.media_type("image/jpeg", BODIES, aliases=["image/png", "application/x-image"])
schema = schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    yield server
    server.stop()


@schema.parametrize()
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_every_answer_is_one_that_the_document_describes(case: Any, gateway: Gateway, runtime: Runtime) -> None:
    checks = [
        status_code_conformance,
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
    ]
    response = case.call(base_url=gateway.url)
    # The stand-in of the runtime has no objects, so storage_unavailable is expected.
    if response.status_code != 503:
        checks.append(not_a_server_error)
    case.validate_response(response, checks=checks)


def test_the_document_is_generated_from_the_code() -> None:
    assert OPENAPI.read_text(encoding="utf-8") == openapi.text()


def test_the_document_has_every_route_and_method_and_no_other() -> None:
    described = {path: {method.upper() for method in item} for path, item in DOCUMENT["paths"].items()}
    assert described == {path: set(methods) for path, methods in ROUTES.items()}


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_valid_and_so_are_its_examples(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    for member in SCHEMAS[name]["properties"].values():
        for example in member.get("examples", []):
            jsonschema.validate(example, member)


def test_every_code_stands_in_the_document_under_its_status() -> None:
    documented: dict[str, set[int]] = {}
    for item in DOCUMENT["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                for code in response["description"].partition("code: ")[2].split(", "):
                    documented.setdefault(code, set()).add(int(status))
    routeless = {"not_found", "method_not_allowed"}
    assert {code: {kind.status} for code, kind in KINDS.items() if code not in routeless} == {
        code: statuses for code, statuses in documented.items() if code
    }


def test_the_document_says_the_limits_that_are_enforced() -> None:
    contents = DOCUMENT["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert contents["image/jpeg"]["schema"]["maxLength"] == MAX_BYTES
    assert SCHEMAS["UploadAnnouncement"]["properties"]["bytes"]["maximum"] == MAX_UPLOAD_BYTES


def test_the_api_serves_its_document(ask: Ask) -> None:
    response = ask(get("/openapi.json"))
    assert (response.status, response.body) == (200, DOCUMENT)


@pytest.mark.parametrize("path", ["/predict", "/explain"])
def test_a_real_answer_fits_its_schema(path: str, ask: Ask) -> None:
    response = ask(post(JPEG, resource=path, path=path))
    assert response.status == 200
    name = {"/predict": "Prediction", "/explain": "Explanation"}[path]
    jsonschema.validate(response.body, SCHEMAS[name] | {"components": DOCUMENT["components"]})


@pytest.mark.parametrize(("origin", "allowed"), [("https://a.example", True), ("https://b.example", False)])
def test_only_a_listed_origin_may_read_the_answers(
    origin: str, allowed: bool, environment: pytest.MonkeyPatch, ask: Ask
) -> None:
    environment.setenv("CORS_ORIGINS", "https://a.example")
    request = event("health")
    request["headers"]["origin"] = origin
    response = ask(request)
    assert (response.headers.get("Access-Control-Allow-Origin") == origin) is allowed
    assert response.headers["Vary"] == "Origin"


def test_the_deep_health_check_asks_the_model(ask: Ask, runtime: Runtime) -> None:
    response = ask(get("/health", deep="1"))
    assert (response.status, response.body["model"]) == (200, "ok")
    assert len(runtime.received) == 1
    assert "model" not in ask(event("health")).body
