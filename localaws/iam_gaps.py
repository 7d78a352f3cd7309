"""What MiniStack 1.5.33 does not tell its policy evaluator about a request, told here."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

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
