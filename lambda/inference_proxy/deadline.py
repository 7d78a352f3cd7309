"""The time left for an invocation."""

from __future__ import annotations

from typing import Final, Protocol

# API Gateway allows an integration 29 s, with a cold start. Its own 504 would not carry problem details.
_GATEWAY_MILLIS: Final = 27_000
# For interpreting, answering and logging after the last call.
_RESERVE_MILLIS: Final = 500


class LambdaContext(Protocol):
    """The part of AWS Lambda's context object that the proxy reads."""

    @property
    def aws_request_id(self) -> str: ...

    def get_remaining_time_in_millis(self) -> int: ...


class Deadline:
    """The time by which calls to other services must end, within the function's timeout and the gateway's."""

    def __init__(self, context: LambdaContext) -> None:
        self._context = context
        self._reserved = max(_RESERVE_MILLIS, context.get_remaining_time_in_millis() - _GATEWAY_MILLIS)

    def remaining(self) -> float:
        """Return the seconds left; zero or less once the deadline has passed."""
        return (self._context.get_remaining_time_in_millis() - self._reserved) / 1000
