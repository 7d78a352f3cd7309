"""The hostile requests that HTTP can express, over real HTTP."""

from __future__ import annotations

import base64
import binascii
import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from .gateway import BINARY, Gateway
from .hostile import REQUESTS
from .runtime import Runtime

HttpRequest = tuple[str, str, list[tuple[str, str]], bytes]


def as_http(event: object) -> HttpRequest | None:
    """Return method, path, headers and body that a gateway turns into this event, or None."""
    if not isinstance(event, dict) or not isinstance(event.get("httpMethod"), str):
        return None
    multiple, body = event.get("multiValueHeaders"), event.get("body")
    resource = event.get("resource", "")
    path = event["path"] if "{" in resource else resource
    if not isinstance(multiple, dict) or not isinstance(body, str | None) or not path:
        return None
    wire = [(name, value) for name, values in multiple.items() for value in values if name.lower() == "content-type"]
    if not all(isinstance(value, str) and value.isascii() and len(value) < 60_000 for _, value in wire):
        return None
    kinds = [value.partition(";")[0].strip().lower() for _, value in wire]
    binary = bool(kinds) and kinds[0] in BINARY
    if body and binary != event.get("isBase64Encoded") and kinds[:1] != ["application/octet-stream"]:
        return None
    try:
        content = base64.b64decode(body, validate=True) if body and binary else (body or "").encode()
    except (binascii.Error, ValueError):
        return None
    return event["httpMethod"], quote(path, safe="/%{}+"), wire, content


EXPRESSIBLE = [
    (row[0], http_request, row[2], row[3]) for row in REQUESTS if (http_request := as_http(row[1])) is not None
]


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    yield server
    server.stop()


def test_http_can_express_at_least_40_of_them() -> None:
    assert len(EXPRESSIBLE) >= 40


@pytest.mark.parametrize(
    ("http_request", "status", "code"), [row[1:] for row in EXPRESSIBLE], ids=[row[0] for row in EXPRESSIBLE]
)
def test_a_hostile_http_request_gets_its_status_and_code(
    http_request: HttpRequest, status: int, code: str, gateway: Gateway, runtime: Runtime
) -> None:
    answer, document = ask(gateway, *http_request)
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    if http_request[0] != "HEAD":
        assert (document["status"], document["code"]) == (status, code)
    assert runtime.received == []


def ask(
    gateway: Gateway, method: str, path: str, headers: list[tuple[str, str]], body: bytes
) -> tuple[http.client.HTTPResponse, dict[str, Any]]:
    """Send a request with exactly these headers; return the response and its JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(gateway.url).port or 0, timeout=30)
    connection.putrequest(method, path)
    for name, value in headers:
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, json.loads(content) if content else {}
