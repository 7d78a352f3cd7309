"""Metrics in CloudWatch's embedded metric format: log lines that CloudWatch also counts.

Format: CloudWatch User Guide, "Specification: Embedded metric format".
"""

from __future__ import annotations

import time
from typing import Final

NAMESPACE: Final = "PneumoniaApi"
_UNITS: Final = {
    "Requests": "Count",
    "Errors": "Count",
    "Rejections": "Count",
    "Predictions": "Count",
    "Latency": "Milliseconds",
    "ScoringLatency": "Milliseconds",
}


def directive(dimensions: list[list[str]], names: list[str]) -> dict[str, object]:
    """Return a directive: which members of a line are metrics, and which sets of members are their dimensions."""
    definitions = [{"Name": name, "Unit": _UNITS[name]} for name in names]
    return {"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": definitions}


def stamped(directives: list[dict[str, object]]) -> dict[str, object]:
    """Return the `_aws` member of a line."""
    return {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": directives}


def request_members(
    stage: str, route: str, code: str, failed: bool, latency: float, scoring_latency: float | None
) -> dict[str, object]:
    """Return members that count a request and its time, by route and in total, and a rejection by its code."""
    values: dict[str, object] = {"Requests": 1, "Latency": latency, "Errors": int(failed)}
    if scoring_latency is not None:
        values["ScoringLatency"] = scoring_latency
    directives = [directive([["Stage"], ["Stage", "Route"]], list(values))]
    if code:
        directives.append(directive([["Stage", "Code"]], ["Rejections"]))
        values |= {"Rejections": 1, "Code": code}
    return {"_aws": stamped(directives), "Stage": stage, "Route": route, **values}


def count_line(stage: str, metric: str, dimension: str, value: str) -> dict[str, object]:
    """Return a separate line that counts one metric and does not identify the request."""
    return {"_aws": stamped([directive([["Stage", dimension]], [metric])]), "Stage": stage, dimension: value, metric: 1}
