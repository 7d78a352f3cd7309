"""Each request in hostile.py gets a problem with a way out."""

from __future__ import annotations

import base64

import pytest

from .conftest import Ask
from .events import event, post
from .hostile import JPEG, REQUESTS, assert_problem, encoded, route
from .runtime import Runtime


@pytest.mark.parametrize(
    ("request_", "status", "code"), [row[1:] for row in REQUESTS], ids=[row[0] for row in REQUESTS]
)
def test_a_hostile_request_gets_its_status_and_code(
    request_: object, status: int, code: str, ask: Ask, runtime: Runtime
) -> None:
    assert_problem(ask(request_), status, code)
    assert runtime.received == []


def test_too_large_says_how_large_it_was_and_what_to_do(ask: Ask) -> None:
    detail = ask(post(b"\xff\xd8\xff" + b"\0" * 4_499_997)).body["detail"]
    assert "4,500,000 bytes" in detail
    assert "4,400,000" in detail
    assert "POST /uploads" in detail


def test_the_size_is_checked_before_the_body_is_decoded(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object, **__: object) -> bytes:
        raise AssertionError("decoded")

    monkeypatch.setattr(base64, "b64decode", decode)
    assert ask(encoded("A" * 5_900_000)).status == 413


@pytest.mark.parametrize(("resource", "allowed"), [("/predict", "POST"), ("/health", "GET")])
def test_a_wrong_method_gets_the_allowed_one(resource: str, allowed: str, ask: Ask) -> None:
    response = ask(route("DELETE", resource))
    assert response.headers["Allow"] == allowed
    assert allowed in response.body["detail"]


def test_a_content_type_is_repeated_only_when_it_is_one(ask: Ask) -> None:
    assert "application/pdf" in ask(post(JPEG, "application/pdf")).body["detail"]
    assert "script" not in ask(post(JPEG, "<script>alert(1)</script>")).body["detail"]


@pytest.mark.parametrize("identity", ["", "a\r\nSet-Cookie: x=1", "x" * 200, 7, None])
def test_only_a_well_formed_request_id_becomes_a_header(identity: object, ask: Ask) -> None:
    forged = event("health")
    forged["requestContext"]["requestId"] = identity
    assert ask(forged).headers["X-Request-Id"] == "c6af9ac6-7b61-11e6-9a41-93e812345678"
