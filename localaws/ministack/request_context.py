"""Details of a request that MiniStack 1.5.33 does not pass to its policy evaluator."""

import json
import re
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

CREDENTIAL = re.compile(r"Credential=([^/]+)/")
STREAM_ACTIONS = frozenset({"CreateLogStream", "PutLogEvents"})


def patch_metric_namespace() -> None:
    """Add the condition key cloudwatch:namespace.

    MiniStack has no condition keys for CloudWatch. A statement that allows PutMetricData in some namespaces only, as
    CloudWatch's documentation advises, would never apply.
    """
    from ministack.core import iam_actions

    original = iam_actions.request_tag_context

    def condition_keys(service: str, action: str, body: bytes, parameters: Mapping[str, Any]) -> dict[str, Any]:
        keys: dict[str, Any] = original(service, action, body, parameters)
        if action == "cloudwatch:PutMetricData":
            keys["cloudwatch:namespace"] = metric_namespace(body, parameters)
        return keys

    iam_actions.request_tag_context = condition_keys


def metric_namespace(body: bytes, parameters: Mapping[str, Any]) -> str:
    """Return the namespace of a PutMetricData request in the JSON or the query protocol, "" if it has none."""
    if body.lstrip()[:1] == b"{":
        with suppress(ValueError):
            return str(json.loads(body).get("Namespace", ""))
    values = parameters.get("Namespace", "")
    return str(values[0] if isinstance(values, list) and values else values or "")


def patch_log_stream_arn() -> None:
    """Check writes to a log against the ARN of its stream, arn:...:log-group:NAME:log-stream:STREAM.

    MiniStack checks the group's ARN, which the usual grant on `NAME:*` does not match.
    (Service Authorization Reference, Amazon CloudWatch Logs, resource types.)
    """
    from ministack.core import iam_actions

    original = iam_actions.extract_resource_arn

    def resource_arn(service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, *rest: Any) -> str:
        arn: str = original(service, method, path, headers, body, *rest)
        if service == "logs" and headers.get("x-amz-target", "").rpartition(".")[2] in STREAM_ACTIONS and arn != "*":
            with suppress(ValueError):
                return f"{arn}:log-stream:{json.loads(body).get('logStreamName', '')}"
        return arn

    iam_actions.extract_resource_arn = resource_arn


def patch_pass_role_check() -> None:
    """Require iam:PassRole to give a role to a schedule (EventBridge Scheduler user guide, "Identity").

    MiniStack requires only the scheduler's own action. Anyone who can update a schedule could give it any role.
    """
    from ministack.core import iam_actions, iam_evaluator, responses
    from ministack.services import scheduler

    original = scheduler.handle_request

    async def handle(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        role = passed_role(body) if method in ("POST", "PUT") and path.startswith("/schedules/") else ""
        if role:
            key = CREDENTIAL.search(headers.get("authorization", ""))
            service = {"iam:PassedToService": "scheduler.amazonaws.com"}
            denied = iam_evaluator.enforce(
                key[1] if key else "", "iam:PassRole", "iam", responses.get_region(), role, service
            )
            if denied is not None and not isinstance(denied, iam_evaluator.AuthError):
                principal = denied.principal_arn
                refusal: tuple[int, dict[str, str], bytes] = iam_actions.access_denied_response(
                    "scheduler", "iam:PassRole", principal, str(uuid.uuid4()), resource_arn=role
                )
                return refusal
        answer: tuple[int, dict[str, str], bytes] = await original(method, path, headers, body, query)
        return answer

    scheduler.handle_request = handle


def passed_role(body: bytes) -> str:
    """Return the role of a schedule's target, "" if the request has none."""
    with suppress(ValueError, AttributeError):
        return str(json.loads(body).get("Target", {}).get("RoleArn", ""))
    return ""
