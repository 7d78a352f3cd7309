"""SageMaker's errors as problems: a detail for the caller, and a cause for the log.

The names are those of the InvokeEndpoint API reference and of AWS's common errors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from inference_proxy.problems import ProblemError

_DETAILS: Final = {
    "endpoint_throttled": "The model is at its limit of requests; send this one again later.",
    "endpoint_not_ready": "The model endpoint is starting; send the request again in a moment.",
    "endpoint_unavailable": "The model endpoint is temporarily unavailable; send the request again.",
    "endpoint_unreachable": "The model endpoint could not be reached; send the request again.",
    "endpoint_timeout": "The model did not answer in time; send the request again.",
    "endpoint_missing": "The model endpoint does not exist or is being created; "
    "the operator of this API must deploy it.",
    "endpoint_access_denied": "This API is not allowed to call its model endpoint; its operator must correct the role.",
    "endpoint_rejected_request": "The model endpoint rejected the request of this API; "
    "the log has the reason for the operator.",
    "endpoint_failure": "The model endpoint failed; send the request again.",
    "model_error": "The model failed on this image; send the request again, or another image.",
    "model_rejected_image": "The model rejected this image; export it again as JPEG or PNG and send that file.",
}

RETRIED: Final = frozenset(
    {"endpoint_throttled", "endpoint_not_ready", "endpoint_unavailable", "endpoint_unreachable", "endpoint_failure"}
)

_RETRY_AFTER_SECONDS: Final = {
    "endpoint_throttled": 1,
    "endpoint_not_ready": 10,
    "endpoint_unavailable": 5,
    "endpoint_unreachable": 5,
}

_BY_NAME: Final = {
    "Throttling": "endpoint_throttled",
    "ThrottlingException": "endpoint_throttled",
    "TooManyRequestsException": "endpoint_throttled",
    "RequestLimitExceeded": "endpoint_throttled",
    "ModelNotReadyException": "endpoint_not_ready",
    "ServiceUnavailable": "endpoint_unavailable",
    "ServiceUnavailableException": "endpoint_unavailable",
    "AccessDenied": "endpoint_access_denied",
    "AccessDeniedException": "endpoint_access_denied",
    "ExpiredToken": "endpoint_access_denied",
    "ExpiredTokenException": "endpoint_access_denied",
    "InvalidSignatureException": "endpoint_access_denied",
    "UnrecognizedClientException": "endpoint_access_denied",
    "InternalFailure": "endpoint_failure",
    "InternalDependencyException": "endpoint_failure",
}

_BY_STATUS: Final = {
    403: "endpoint_access_denied",
    429: "endpoint_throttled",
    503: "endpoint_unavailable",
    504: "endpoint_timeout",
}

_LOGGED_CHARACTERS: Final = 300


def problem_of_transport(code: str, reason: str) -> ProblemError:
    """Return the problem of a call without a response; `reason` names the failure in the log."""
    return _problem(code, {"reason": reason})


def problem_of_response(status: int, headers: Mapping[str, str], body: bytes) -> ProblemError:
    """Return the problem of a response other than 200 (rest-json: name in `x-amzn-ErrorType` or in the body)."""
    document = _document(body)
    name = str(headers.get("x-amzn-ErrorType") or document.get("__type") or document.get("code") or "")
    name = name.split(":", 1)[0].rsplit("#", 1)[-1]
    message = str(document.get("message") or document.get("Message") or "")
    cause: dict[str, str | int] = {"aws_status": status, "aws_error": name[:_LOGGED_CHARACTERS]}
    if name == "ModelError" or status == 424:
        # The message repeats the output of the container, which can describe the image: do not log it.
        original = document.get("OriginalStatusCode")
        original = original if isinstance(original, int) else 500
        return _problem(_model_error(original), {**cause, "model_status": original})
    cause["aws_message"] = message[:_LOGGED_CHARACTERS]
    if name in ("ValidationError", "ValidationException"):
        return _problem(_validation_error(message), cause)
    fallback = "endpoint_failure" if status >= 500 else "endpoint_rejected_request"
    return _problem(_BY_NAME.get(name) or _BY_STATUS.get(status, fallback), cause)


def _model_error(original_status: int) -> str:
    if original_status == 0:  # the container did not respond within SageMaker's own limit
        return "endpoint_timeout"
    if original_status == 503:
        return "endpoint_unavailable"
    return "model_rejected_image" if 400 <= original_status < 500 else "model_error"


def _validation_error(message: str) -> str:
    """Return the code of a ValidationError. SageMaker uses this name for several states; only the message differs."""
    text = message.lower()
    if "not found" in text or "could not find" in text:
        return "endpoint_missing"
    if "inservice" in text or "creating" in text or "not in service" in text:
        return "endpoint_not_ready"
    return "endpoint_rejected_request"


def _document(body: bytes) -> dict[str, object]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _problem(code: str, cause: Mapping[str, str | int]) -> ProblemError:
    seconds = _RETRY_AFTER_SECONDS.get(code)
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    return ProblemError(code, _DETAILS[code], headers=headers, cause=cause)
