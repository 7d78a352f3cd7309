"""Answers in the format of a Lambda proxy integration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from inference_proxy.problems import CONTENT_TYPE, ProblemError


@dataclass(frozen=True)
class Answer:
    """Status, JSON body and headers of a response; `code` is the problem's code, "" for a success."""

    status: int
    body: Mapping[str, object]
    content_type: str = "application/json"
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def problem_answer(problem: ProblemError, request_id: str) -> Answer:
    """The problem as problem details (RFC 9457)."""
    return Answer(
        problem.kind.status, problem.document(request_id), CONTENT_TYPE, code=problem.code, headers=problem.headers
    )


def proxy_response(answer: Answer, request_id: str) -> dict[str, object]:
    """The object that API Gateway turns into the HTTP response. Nothing about a patient may be kept by a cache."""
    return {
        "statusCode": answer.status,
        "headers": {
            "Content-Type": answer.content_type,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Request-Id": request_id,
            **answer.headers,
        },
        "body": json.dumps(answer.body),
        "isBase64Encoded": False,
    }
