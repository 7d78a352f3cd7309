"""API Gateway's answers to requests that are too large. MiniStack has no limits.

The answers are those reported in koki-develop/lgtm-generator#10. An API's gateway response REQUEST_TOO_LARGE changes
neither of them.
"""

import json
from typing import Any

Answer = tuple[int, dict[str, str], bytes]

MAX_BODY = 10 * 1024 * 1024
"""API Gateway's limit for a REST API's request."""
TOO_LARGE: Answer = (
    413,
    {"Content-Type": "text; charset=utf-8"},
    f"HTTP content length exceeded {MAX_BODY} bytes.".encode(),
)
MAX_EVENT = 6 * 1024 * 1024
"""AWS Lambda's limit for the event of a synchronous invocation. In it, an image is base64."""
REQUEST_TOO_LONG = {
    "statusCode": 413,
    "headers": {"Content-Type": "application/json", "x-amzn-ErrorType": "BadRequestException"},
    "body": '{"message": "Request Too Long"}',
}


def patch_event_limit() -> None:
    """Answer REQUEST_TOO_LONG if an event exceeds MAX_EVENT, and do not invoke the function."""
    from ministack.services import apigateway_v1

    original = apigateway_v1._call_lambda_raw

    async def call(function_ref: str, event: dict[str, Any], **scope: Any) -> tuple[Any, str | None]:
        if len(json.dumps(event)) > MAX_EVENT:
            return {"body": REQUEST_TOO_LONG}, None
        result: tuple[Any, str | None] = await original(function_ref, event, **scope)
        return result

    apigateway_v1._call_lambda_raw = call
