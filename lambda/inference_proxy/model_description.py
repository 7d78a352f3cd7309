"""The deployed model: its threshold, evaluation, report, cost and lease."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final, cast

from inference_proxy.deadline import Deadline
from inference_proxy.lease_status import lease_status
from inference_proxy.prediction import DISCLAIMER
from inference_proxy.request_log import RequestLog
from inference_proxy.settings import ProxySettings
from inference_proxy.storage import storage_of

if TYPE_CHECKING:
    from api_types import Evaluation, Model

REPORT_SECONDS: Final = 900
_MAX_METRICS_BYTES: Final = 2_000_000
_CACHE_SECONDS: Final = 300
# Members of metrics.json that name single images.
_PRIVATE: Final = frozenset({"missing", "worst"})


class _Cache:
    """The evaluation, read again after _CACHE_SECONDS."""

    evaluation: Evaluation | None = None
    expires = 0.0


def describe_model(settings: ProxySettings, deadline: Deadline, request_id: str, log: RequestLog) -> Model:
    """Return the body of GET /model. `evaluation` and `report_url` are None if the model was not evaluated."""
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
        "endpoint": {"name": settings.endpoint_name} if settings.endpoint_name else None,
        "cost": json.loads(settings.cost) if settings.cost else None,
        "lease": lease_status(settings, deadline, log),
        "disclaimer": DISCLAIMER,
        "request_id": request_id,
    }


def _evaluation(settings: ProxySettings, deadline: Deadline) -> Evaluation | None:
    if settings.evaluation is None:
        return None
    if time.monotonic() < _Cache.expires:
        return _Cache.evaluation
    bucket, prefix = settings.evaluation
    metrics = storage_of(settings).get(bucket, f"{prefix}metrics.json", _MAX_METRICS_BYTES, deadline)
    try:
        document = None if metrics is None else json.loads(metrics)
    except ValueError:
        document = None
    _Cache.evaluation = None
    if isinstance(document, dict):
        public = {name: value for name, value in document.items() if name not in _PRIVATE}
        _Cache.evaluation = cast("Evaluation", public)
    _Cache.expires = time.monotonic() + _CACHE_SECONDS
    return _Cache.evaluation


def _report_url(settings: ProxySettings) -> str | None:
    if settings.evaluation is None:
        return None
    bucket, prefix = settings.evaluation
    return storage_of(settings).presigned_get(bucket, f"{prefix}report.html", REPORT_SECONDS)


def clear_cache() -> None:
    """Read the evaluation again at the next request."""
    _Cache.evaluation, _Cache.expires = None, 0.0
