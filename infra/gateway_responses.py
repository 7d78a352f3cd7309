"""API Gateway's own errors, in the shape of the proxy's: RFC 9457 problem details with a stable code."""

import json

from aws_cdk import aws_apigateway as apigateway

PROBLEMS = {
    "ACCESS_DENIED": (403, "access_denied", "This caller may not use this API."),
    "API_CONFIGURATION_ERROR": (502, "gateway_misconfigured", "The API is not configured completely."),
    "AUTHORIZER_FAILURE": (502, "gateway_misconfigured", "The API could not check who is calling."),
    "BAD_REQUEST_BODY": (400, "bad_request", "The request's body cannot be read."),
    "BAD_REQUEST_PARAMETERS": (400, "bad_request", "The request's parameters cannot be read."),
    "EXPIRED_TOKEN": (403, "access_denied", "The caller's credentials have expired; sign in again."),
    "INTEGRATION_FAILURE": (502, "proxy_failed", "The proxy failed before it could answer; try again."),
    "INTEGRATION_TIMEOUT": (504, "timeout", "No answer within 29 seconds; try again in a moment."),
    "INVALID_API_KEY": (403, "invalid_api_key", "Send the API's key in the header x-api-key."),
    "INVALID_SIGNATURE": (403, "access_denied", "The request's signature is wrong."),
    "MISSING_AUTHENTICATION_TOKEN": (404, "not_found", "There is no such path or method; see GET /health."),
    "QUOTA_EXCEEDED": (429, "quota_exceeded", "This key's requests of the day are used up; try again tomorrow."),
    "REQUEST_TOO_LARGE": (
        413,
        "too_large",
        "The request exceeds 10 MB; an image may have 4,400,000 bytes.",
    ),
    "RESOURCE_NOT_FOUND": (404, "not_found", "There is no such path; see GET /health."),
    "THROTTLED": (429, "throttled", "Too many requests at once; wait a second and try again."),
    "UNAUTHORIZED": (403, "access_denied", "This API wants credentials."),
    "UNSUPPORTED_MEDIA_TYPE": (415, "unsupported_media_type", "Send image/jpeg, image/png or application/x-image."),
    "WAF_FILTERED": (403, "access_denied", "The web application firewall refused the request; send fewer at a time."),
}
"""Response type -> status, code, sentence. Types: API Gateway developer guide, supported gateway responses."""

TYPE_PREFIX = "urn:pneumonia-api:problem:"
"""The proxy's own problems begin with it too (lambda/inference_proxy/problems.py)."""
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


def add_problems(api: apigateway.RestApi) -> None:
    """Give every error of the gateway itself a problem document."""
    for kind, (status, code, detail) in PROBLEMS.items():
        headers = {"Content-Type": f"'{CONTENT_TYPE}'", "Cache-Control": "'no-store'"}
        if status == 429:
            headers["Retry-After"] = "'1'" if code == "throttled" else "'3600'"
        api.add_gateway_response(
            kind.title().replace("_", ""),
            type=apigateway.ResponseType.of(kind),
            status_code=str(status),
            response_headers=headers,
            templates={"application/json": template(status, code, detail)},
        )


def template(status: int, code: str, detail: str) -> str:
    """Return the mapping template of one problem; API Gateway fills in the request's id."""
    problem = {"type": TYPE_PREFIX + code, "title": TITLES[status], "status": status, "detail": detail, "code": code}
    return json.dumps(problem | {"request_id": "$context.requestId"})
