"""API Gateway's errors in the format of the proxy's: RFC 9457 problem details with a stable code."""

import json

from aws_cdk import aws_apigateway as apigateway

PROBLEMS = {
    "ACCESS_DENIED": (403, "access_denied", "The caller is not allowed to use this API."),
    "API_CONFIGURATION_ERROR": (502, "gateway_misconfigured", "The API is not configured completely."),
    "AUTHORIZER_FAILURE": (502, "gateway_misconfigured", "The API could not authenticate the caller."),
    "BAD_REQUEST_BODY": (400, "bad_request", "The request body is not valid."),
    "BAD_REQUEST_PARAMETERS": (400, "bad_request", "The request parameters are not valid."),
    "EXPIRED_TOKEN": (403, "access_denied", "The caller's credentials have expired; sign in again."),
    "INTEGRATION_FAILURE": (502, "proxy_failed", "The proxy failed; try again."),
    "INTEGRATION_TIMEOUT": (504, "timeout", "The proxy did not answer within 29 seconds; try again."),
    "INVALID_API_KEY": (
        403,
        "invalid_api_key",
        "The API key is missing or not valid; send it in the header x-api-key.",
    ),
    "INVALID_SIGNATURE": (403, "access_denied", "The request signature is not valid."),
    "MISSING_AUTHENTICATION_TOKEN": (404, "not_found", "The path or method does not exist; see GET /openapi.json."),
    "QUOTA_EXCEEDED": (429, "quota_exceeded", "The daily quota of this API key is used up; try again tomorrow."),
    "REQUEST_TOO_LARGE": (
        413,
        "too_large",
        "The request is too large; an image can have 4,400,000 bytes, and 25,000,000 with POST /uploads.",
    ),
    "RESOURCE_NOT_FOUND": (404, "not_found", "The path does not exist; see GET /openapi.json."),
    "THROTTLED": (429, "throttled", "Too many requests; wait a second and try again."),
    "UNAUTHORIZED": (403, "access_denied", "The request has no credentials."),
    "UNSUPPORTED_MEDIA_TYPE": (415, "unsupported_media_type", "Send image/jpeg, image/png or application/x-image."),
    "WAF_FILTERED": (403, "firewall_blocked", "The web application firewall blocked this request by its content."),
}
"""Status, code and detail by response type (API Gateway developer guide, gateway response types).

For bodies above 10 MB, API Gateway was seen to ignore REQUEST_TOO_LARGE and to answer 413 with plain text
(koki-develop/lgtm-generator#10, reapit/foundations#4338).
"""
CORS = {"Access-Control-Allow-Origin": "*"}
"""A gateway response has fixed headers, so it cannot name one of several origins. It contains no data of a caller."""

TYPE_PREFIX = "urn:pneumonia-api:problem:"
"""Also the prefix of the proxy's problems (lambda/inference_proxy/problems.py)."""
CONTENT_TYPE = "application/problem+json"
TITLES = {
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    502: "Bad Gateway",
    504: "Gateway Timeout",
}


def add_problems(api: apigateway.RestApi, readable_by_pages: bool) -> None:
    """Answer every error of the gateway with a problem document."""
    for response_type, (status, code, detail) in PROBLEMS.items():
        headers = {"Content-Type": f"'{CONTENT_TYPE}'", "Cache-Control": "'no-store'"}
        if status == 429:
            headers["Retry-After"] = "'1'" if code == "throttled" else "'3600'"
        if readable_by_pages:
            headers |= {name: f"'{value}'" for name, value in CORS.items()}
        api.add_gateway_response(
            response_type.title().replace("_", ""),
            type=apigateway.ResponseType.of(response_type),
            status_code=str(status),
            response_headers=headers,
            templates={"application/json": template(status, code, detail)},
        )


def template(status: int, code: str, detail: str) -> str:
    """Return the mapping template of a problem; API Gateway fills in the request id."""
    return json.dumps(problem(status, code, detail) | {"request_id": "$context.requestId"})


def problem(status: int, code: str, detail: str) -> dict[str, str | int]:
    """Return a problem document without a request id."""
    return {"type": TYPE_PREFIX + code, "title": TITLES[status], "status": status, "detail": detail, "code": code}
