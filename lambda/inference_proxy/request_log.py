"""One JSON line per request on standard output, which AWS Lambda sends to CloudWatch Logs.

The line never contains the request's content: no image bytes, no header values, no score. A prediction's label is
counted in a separate line that does not identify the request.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from inference_proxy import emf
from inference_proxy.responses import Answer


class RequestLog:
    """The log line of one request, written at its end."""

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
        """Add the type and traceback of an unexpected error, without its text, which can repeat the request."""
        self.note(exception=type(error).__name__, traceback="".join(traceback.format_tb(error.__traceback__)))

    def count_label(self, label: str) -> None:
        """Count a prediction by its label when the request's line is written."""
        self._label = label

    def write(self, answer: Answer, stage: str) -> None:
        """Write the line, and the count of the label."""
        level = "ERROR" if answer.status >= 500 else "WARNING" if answer.status >= 400 else "INFO"
        duration, scoring = _milliseconds_since(self._started), self._fields.get("scoring_ms")
        line = {
            "level": level,
            "message": "request",
            **self._fields,
            "status": answer.status,
            "code": answer.code,
            "duration_ms": duration,
        }
        scoring_latency = scoring if isinstance(scoring, float) else None
        route = str(self._fields["route"])
        failed = answer.status >= 500
        lines = [line | emf.request_members(stage, route, answer.code, failed, duration, scoring_latency)]
        if self._label:
            lines.append(emf.count_line(stage, "Predictions", "Label", self._label))
        sys.stdout.write("".join(json.dumps(entry) + "\n" for entry in lines))
        sys.stdout.flush()


def _milliseconds_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
