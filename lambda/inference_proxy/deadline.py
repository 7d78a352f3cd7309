"""How long this invocation may still take."""

from __future__ import annotations

import time
from typing import Final, Protocol

# API Gateway gives an integration 29 s, a cold start included; its own 504 would carry no problem details.
_GATEWAY_SECONDS: Final = 27.0
# What interpreting, answering and logging may take after the endpoint was given up.
_RESERVE_SECONDS: Final = 0.5


class LambdaContext(Protocol):
    """The part of AWS Lambda's context object that the proxy reads."""

    @property
    def aws_request_id(self) -> str: ...

    def get_remaining_time_in_millis(self) -> int: ...


class Deadline:
    """A moment on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @classmethod
    def of(cls, context: LambdaContext) -> Deadline:
        """When the endpoint must have answered: within the function's timeout and the gateway's."""
        return cls(min(context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS, _GATEWAY_SECONDS))

    def remaining(self) -> float:
        """Seconds left; zero or less when it has passed."""
        return self._end - time.monotonic()
