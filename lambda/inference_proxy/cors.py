"""Which web pages may read the answers: those of the listed origins, and without a list none."""

from __future__ import annotations

from collections.abc import Mapping

from inference_proxy import settings as deployment
from inference_proxy.aws import SettingsError


def cors_headers(event: object) -> dict[str, str]:
    """The headers for the event's Origin; none when it is not listed, or where the function has no settings."""
    headers = event.get("headers") if isinstance(event, Mapping) else None
    if not isinstance(headers, Mapping):
        return {}
    origin = next((value for name, value in headers.items() if str(name).lower() == "origin"), None)
    try:
        allowed = deployment.load().cors_origins
    except SettingsError:
        return {}
    if not allowed:
        return {}
    vary = {"Vary": "Origin"}
    return {"Access-Control-Allow-Origin": str(origin), **vary} if origin in allowed else vary
