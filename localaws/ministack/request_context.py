"""What MiniStack 1.5.33 does not tell its policy evaluator about a request, told here."""

import json
import re
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

CREDENTIAL = re.compile(r"Credential=([^/]+)/")
STREAM_ACTIONS = frozenset({"CreateLogStream", "PutLogEvents"})


def supply_metric_namespace() -> None:
    """Give policies the condition key cloudwatch:namespace.

    MiniStack knows no condition keys of CloudWatch, so a statement that allows PutMetricData in some namespaces only,
    as CloudWatch's documentation advises, would never apply.
    """
    from ministack.core import iam_actions

    tag_keys = iam_actions.request_tag_context

    def condition_keys(service: str, action: str, body: bytes, parameters: Mapping[str, Any]) -> dict[str, Any]:
        keys: dict[str, Any] = tag_keys(service, action, body, parameters)
        if action == "cloudwatch:PutMetricData":
            keys["cloudwatch:namespace"] = metric_namespace(body, parameters)
        return keys

    iam_actions.request_tag_context = condition_keys


def metric_namespace(body: bytes, parameters: Mapping[str, Any]) -> str:
    """Return the namespace of a PutMetricData request in the JSON or the query protocol, "" when it names none."""
    if body.lstrip()[:1] == b"{":
        with suppress(ValueError):
            return str(json.loads(body).get("Namespace", ""))
    values = parameters.get("Namespace", "")
    return str(values[0] if isinstance(values, list) and values else values or "")


def supply_log_streams() -> None:
    """Hold writing to a log against its stream, arn:...:log-group:NAME:log-stream:STREAM, as AWS does.

    MiniStack asks for the group alone, so that the usual grant on `NAME:*` would never apply.
    (Service Authorization Reference, Amazon CloudWatch Logs, resource types.)
    """
    from ministack.core import iam_actions

    theirs = iam_actions.extract_resource_arn

    def resource_arn(service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, *rest: Any) -> str:
        arn: str = theirs(service, method, path, headers, body, *rest)
        if service == "logs" and headers.get("x-amz-target", "").rpartition(".")[2] in STREAM_ACTIONS and arn != "*":
            with suppress(ValueError):
                return f"{arn}:log-stream:{json.loads(body).get('logStreamName', '')}"
        return arn

    iam_actions.extract_resource_arn = resource_arn


def supply_passed_roles() -> None:
    """Ask for iam:PassRole where a schedule is given a role to act as (EventBridge Scheduler user guide, "Identity").

    MiniStack asks for the scheduler's own action only, so that who may move a schedule could give it any role.
    """
    from ministack.core.iam_actions import access_denied_response
    from ministack.core.iam_evaluator import AuthError, enforce
    from ministack.core.responses import get_region
    from ministack.services import scheduler

    theirs = scheduler.handle_request

    async def handle(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        role = passed_role(body) if method in ("POST", "PUT") and path.startswith("/schedules/") else ""
        if role:
            key = CREDENTIAL.search(headers.get("authorization", ""))
            service = {"iam:PassedToService": "scheduler.amazonaws.com"}
            denied = enforce(key[1] if key else "", "iam:PassRole", "iam", get_region(), role, service)
            if denied is not None and not isinstance(denied, AuthError):
                principal = denied.principal_arn
                refusal: tuple[int, dict[str, str], bytes] = access_denied_response(
                    "scheduler", "iam:PassRole", principal, str(uuid.uuid4()), resource_arn=role
                )
                return refusal
        answer: tuple[int, dict[str, str], bytes] = await theirs(method, path, headers, body, query)
        return answer

    scheduler.handle_request = handle


def passed_role(body: bytes) -> str:
    """Return the role of a schedule's target, "" where the request names none."""
    with suppress(ValueError, AttributeError):
        return str(json.loads(body).get("Target", {}).get("RoleArn", ""))
    return ""
