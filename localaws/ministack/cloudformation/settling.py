"""Answer the CDK's stack operations when the stack has settled, or after a few seconds.

CloudFormation answers at once, as localaws does for every other client. The CDK polls an operation at once and then
every five seconds. It would wait five seconds for each stack, although most take less than one second here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

Handle = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[tuple[Any, ...]]]

OPERATIONS = frozenset({"CreateStack", "DeleteStack", "ExecuteChangeSet", "UpdateStack"})
CLIENT = "aws-cdk/"
"""Part of the CDK's user agent."""
SECONDS = 4.0
LOOK_SECONDS = 0.05


def patch() -> None:
    """Delay the answers to the CDK's OPERATIONS until the stack has settled, at most SECONDS."""
    from ministack.services import cloudformation

    cloudformation.handle_request = settled(cloudformation.handle_request)


def settled(original: Handle) -> Handle:
    """Return MiniStack's request handler with the delay."""

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> tuple[Any, ...]:
        answer = await original(method, path, headers, body, query_params)
        form = parse_qs(body.decode("utf-8", "replace")) if CLIENT in headers.get("user-agent", "") else {}
        if form.get("Action", [""])[0] in OPERATIONS:
            name = form.get("StackName", [""])[0]
            for _ in range(round(SECONDS / LOOK_SECONDS)):
                if not in_progress(name):
                    break
                await asyncio.sleep(LOOK_SECONDS)
        return answer

    return handle_request


def in_progress(name: str) -> bool:
    """Return whether an operation on a stack is in progress; `name` is its name or its ARN."""
    from ministack.services.cloudformation import _stacks

    stack = _stacks.get(name.split("/")[1] if name.startswith("arn:") and "/" in name else name) or {}
    return str(stack.get("StackStatus", "")).endswith("_IN_PROGRESS")
