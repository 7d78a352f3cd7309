"""API Gateway's answer to a request that is too large. MiniStack has no limit."""

import re
import uuid

PATH = re.compile(r"^/restapis/(?P<api>[^/]+)/(?P<stage>[^/]+)/_user_request_/")

MAX_BODY = 10 * 1024 * 1024
"""API Gateway's limit for a REST API's request."""

Answer = tuple[int, dict[str, str], bytes]


def too_large(path: str) -> Answer:
    """Return the API's own REQUEST_TOO_LARGE response, or API Gateway's default for an unknown API."""
    from ministack.services import apigateway_v1

    match = PATH.match(path)
    scope = apigateway_v1.find_api_scope(match["api"]) if match else None
    stage = apigateway_v1.stages_for_api(match["api"]).get(match["stage"]) if match and scope else None
    if match is None or stage is None or scope is None:
        return 413, {"Content-Type": "application/json"}, b'{"message":"Request Too Long"}'
    request = {
        "api_id": match["api"], "stage_name": match["stage"], "stage": stage, "headers": {}, "query_params": {},
        "path_params": {}, "resource_path": "", "request_id": str(uuid.uuid4()),
    }  # fmt: skip
    with apigateway_v1.request_scope(*scope):
        error = apigateway_v1._GatewayError("REQUEST_TOO_LARGE", "Request Too Long")
        status, headers, body = apigateway_v1._gateway_error_response(error, request)
    return int(status), dict(headers), bytes(body)
