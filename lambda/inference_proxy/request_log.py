"""One JSON line per request on standard output, which AWS Lambda sends to CloudWatch Logs.

It says how a request went and never what was in it: no image bytes, no header values, no score. A prediction's label is
counted in a line of its own, which names no request.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from inference_proxy import emf
from inference_proxy.responses import Answer


class RequestLog:
    """What is known about one request so far, written once at its end."""

    def __init__(self, request_id: str, *, cold_start: bool) -> None:
        self._started = time.perf_counter()
        self._fields: dict[str, object] = {"request_id": request_id, "cold_start": cold_start, "route": "unmatched"}
        self._label = ""

    def note(self, **fields: str | int | dict[str, str | int]) -> None:
        """Add fields to the line."""
        self._fields.update(fields)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time a part of the request as `<name>_ms`, also when it fails."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._fields[f"{name}_ms"] = _milliseconds_since(started)

    def note_crash(self, error: Exception) -> None:
        """Add an unexpected error's type and place; its text is left out, for it may repeat what was received."""
        self.note(exception=type(error).__name__, traceback=_places(error.__traceback__))

    def count_label(self, label: str) -> None:
        """Count a prediction by its label, when the request's own line is written."""
        self._label = label

    def write(self, answer: Answer, stage: str) -> None:
        """Write the line, and the count of a label."""
        level = "ERROR" if answer.status >= 500 else "WARNING" if answer.status >= 400 else "INFO"
        duration, endpoint = _milliseconds_since(self._started), self._fields.get("endpoint_ms")
        line = {
            "level": level,
            "message": "request",
            **self._fields,
            "status": answer.status,
            "code": answer.code,
            "duration_ms": duration,
        }
        took = endpoint if isinstance(endpoint, float) else None
        route = str(self._fields["route"])
        lines = [line | emf.request_members(stage, route, answer.code, answer.status >= 500, duration, took)]
        if self._label:
            lines.append(emf.count_line(stage, "Predictions", "Label", self._label))
        sys.stdout.write("".join(json.dumps(one) + "\n" for one in lines))
        sys.stdout.flush()


def _milliseconds_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)


def _places(trace: TracebackType | None) -> str:
    return "".join(traceback.format_tb(trace))
