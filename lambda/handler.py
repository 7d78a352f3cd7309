"""Entry point of the AWS Lambda function behind the REST API."""

from __future__ import annotations

import os

from inference_proxy import routes
from inference_proxy.aws import ProxySettingsError
from inference_proxy.cors import cors_headers
from inference_proxy.deadline import LambdaContext
from inference_proxy.events import parse, request_id
from inference_proxy.problems import ProblemError
from inference_proxy.request_log import RequestLog
from inference_proxy.responses import Answer, problem_answer, proxy_response


class _Environment:
    """The state of one execution environment between invocations."""

    cold = True


def handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Return the response to one REST proxy event. Every failure is a problem details response; none is raised."""
    identity = request_id(event, context.aws_request_id)
    log = RequestLog(identity, cold_start=_Environment.cold)
    _Environment.cold = False
    answer = _answer(event, context, identity, log)
    log.write(answer, os.environ.get("STAGE", "unknown"))
    return proxy_response(answer, identity, cors_headers(event))


def _answer(event: object, context: LambdaContext, identity: str, log: RequestLog) -> Answer:
    try:
        return routes.answer(routes.Call(parse(event, identity), context, log))
    except ProblemError as problem:
        log.note(cause=problem.cause)
        return problem_answer(problem, identity)
    except ProxySettingsError as error:
        log.note(cause={"reason": str(error)})
        detail = "This API is misconfigured; its log has the reason for the operator."
        return problem_answer(ProblemError("misconfigured", detail), identity)
    except Exception as error:  # noqa: BLE001 (the last boundary: otherwise API Gateway answers a bare 502)
        log.note_crash(error)
        detail = "This API failed unexpectedly; report the request_id to its operator."
        return problem_answer(ProblemError("internal_error", detail), identity)
