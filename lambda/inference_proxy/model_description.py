"""What GET /model says: which model answers, what its threshold is worth, and where its report is."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from inference_proxy import lease
from inference_proxy.deadline import Deadline
from inference_proxy.prediction import DISCLAIMER
from inference_proxy.request_log import RequestLog
from inference_proxy.settings import Settings
from inference_proxy.storage import storage_of

REPORT_SECONDS: Final = 900
_MAX_METRICS: Final = 2_000_000
_KEPT_SECONDS: Final = 300
# Names single images.
_LEFT_OUT: Final = frozenset({"worst"})


class _Kept:
    """The evaluation, read once in a while per execution environment."""

    found: dict[str, Any] | None = None
    until = 0.0


def describe(settings: Settings, deadline: Deadline, request_id: str, log: RequestLog) -> dict[str, object]:
    """The answer's body. `evaluation` and `report_url` are null where the model was not evaluated."""
    evaluation = _evaluation(settings, deadline)
    return {
        "model_version": settings.model_version,
        "classes": list(settings.classes),
        "resize_mode": settings.resize_mode,
        "threshold": settings.threshold,
        "threshold_source": settings.threshold_source,
        "calibration": {"slope": settings.slope, "intercept": settings.intercept},
        "evaluation": evaluation,
        "report_url": None if evaluation is None else _report_url(settings),
        "endpoint": {"name": settings.endpoint_name},
        "cost": json.loads(settings.cost) if settings.cost else None,
        "lease": lease.current(settings, deadline, log),
        "disclaimer": DISCLAIMER,
        "request_id": request_id,
    }


def _evaluation(settings: Settings, deadline: Deadline) -> dict[str, Any] | None:
    if settings.evaluation is None:
        return None
    if time.monotonic() < _Kept.until:
        return _Kept.found
    bucket, prefix = settings.evaluation
    body = storage_of(settings).get(bucket, f"{prefix}metrics.json", _MAX_METRICS, deadline)
    try:
        document = None if body is None else json.loads(body)
    except ValueError:
        document = None
    found = document if isinstance(document, dict) else None
    if found is not None:
        found = {name: value for name, value in found.items() if name not in _LEFT_OUT}
    _Kept.found, _Kept.until = found, time.monotonic() + _KEPT_SECONDS
    return found


def _report_url(settings: Settings) -> str | None:
    if settings.evaluation is None:
        return None
    bucket, prefix = settings.evaluation
    return storage_of(settings).presigned_get(bucket, f"{prefix}report.html", REPORT_SECONDS)


def forget() -> None:
    """Read the evaluation again at the next request."""
    _Kept.found, _Kept.until = None, 0.0
