"""Responses in the format of a Lambda proxy integration."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from inference_proxy.problems import CONTENT_TYPE, ProblemError


@dataclass(frozen=True)
class Answer:
    """Status, body (JSON, or bytes of `content_type`) and headers; `code` is the problem's code, "" for a success."""

    status: int
    body: Mapping[str, object] | bytes
    content_type: str = "application/json"
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def problem_answer(problem: ProblemError, request_id: str) -> Answer:
    """Return the problem as problem details (RFC 9457)."""
    return Answer(
        problem.kind.status, problem.document(request_id), CONTENT_TYPE, code=problem.code, headers=problem.headers
    )


def proxy_response(answer: Answer, request_id: str, cors: Mapping[str, str]) -> dict[str, object]:
    """Return the object that API Gateway turns into the HTTP response. No cache can store patient data."""
    return {
        "statusCode": answer.status,
        "headers": {
            "Content-Type": answer.content_type,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Request-Id": request_id,
            **cors,
            **answer.headers,
        },
        "body": base64.b64encode(answer.body).decode() if isinstance(answer.body, bytes) else json.dumps(answer.body),
        "isBase64Encoded": isinstance(answer.body, bytes),
    }
