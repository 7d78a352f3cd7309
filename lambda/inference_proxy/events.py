"""API Gateway's REST proxy event as a typed request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from inference_proxy.problems import ProblemError

# A request id becomes a response header; allow only characters of a header.
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._=-]{1,128}")


@dataclass(frozen=True)
class Request:
    """One HTTP request.

    `route` is the resource's path without the stage and without a trailing slash. `headers` has lower-case names and
    all values; `query` has the last value of each parameter. `body` is base64 text if `is_base64`, else plain text.
    """

    id: str
    method: str
    route: str
    headers: Mapping[str, tuple[str, ...]]
    query: Mapping[str, str]
    body: str
    is_base64: bool


def request_id(event: object, fallback: str) -> str:
    """Return API Gateway's request id, or `fallback`. It also reads events that `parse` rejects."""
    context = event.get("requestContext") if isinstance(event, Mapping) else None
    identity = context.get("requestId") if isinstance(context, Mapping) else None
    return identity if isinstance(identity, str) and _REQUEST_ID.fullmatch(identity) else fallback


def parse(event: object, request_id: str) -> Request:
    """Return the request in an event of the format "Lambda proxy integration" (payload version 1.0).

    Raise ProblemError malformed_event for anything else, such as a direct invocation or an HTTP API's version 2.0.
    """
    if not isinstance(event, Mapping):
        raise _malformed("the event is not an object")
    method, body = event.get("httpMethod"), event.get("body")
    if not isinstance(method, str):
        raise _malformed("httpMethod is not a string")
    if not isinstance(body, str | None):
        raise _malformed("body is not a string")
    return Request(
        id=request_id,
        method=method.upper(),
        route=_route(event),
        headers=_headers(event),
        query=_query(event),
        body=body or "",
        is_base64=event.get("isBase64Encoded") is True,
    )


def _route(event: Mapping[str, object]) -> str:
    # `path` includes a custom domain's base path and `resource` does not, but a greedy resource is not a route.
    resource, path = event.get("resource"), event.get("path")
    route = path if not isinstance(resource, str) or "{" in resource else resource
    if not isinstance(route, str):
        raise _malformed("neither resource nor path is a string")
    return "/" + route.strip("/")


def _query(event: Mapping[str, object]) -> dict[str, str]:
    query = event.get("queryStringParameters") or {}
    if not isinstance(query, Mapping) or not all(isinstance(part, str) for pair in query.items() for part in pair):
        raise _malformed("queryStringParameters is not an object of strings")
    return dict(query)


def _headers(event: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """Return headers by lower-case name. Prefer `multiValueHeaders`, because `headers` has only the last values."""
    headers: dict[str, tuple[str, ...]] = {}
    multiple, single = event.get("multiValueHeaders"), event.get("headers")
    if isinstance(multiple, Mapping) and multiple:
        for name, values in multiple.items():
            if not isinstance(name, str) or not isinstance(values, list):
                raise _malformed("multiValueHeaders is not an object of lists")
            if not all(isinstance(value, str) for value in values):
                raise _malformed("multiValueHeaders holds a value that is not a string")
            headers[name.lower()] = headers.get(name.lower(), ()) + tuple(values)
    elif isinstance(single, Mapping):
        for name, value in single.items():
            if not isinstance(name, str) or not isinstance(value, str):
                raise _malformed("headers is not an object of strings")
            headers[name.lower()] = (*headers.get(name.lower(), ()), value)
    elif single is not None:
        raise _malformed("headers is not an object")
    return headers


def _malformed(reason: str) -> ProblemError:
    return ProblemError(
        "malformed_event",
        "The event is not a request of an API Gateway REST API with Lambda proxy integration; "
        "send HTTP requests to the API's URL.",
        cause={"reason": reason},
    )
