"""CORS: only web pages of the listed origins can read the responses."""

from __future__ import annotations

from collections.abc import Mapping

from inference_proxy import settings as deployment
from inference_proxy.aws import ProxySettingsError


def cors_headers(event: object) -> dict[str, str]:
    """Return the headers for the event's Origin; none if no origin is listed or the settings are invalid."""
    headers = event.get("headers") if isinstance(event, Mapping) else None
    if not isinstance(headers, Mapping):
        return {}
    origin = next((value for name, value in headers.items() if str(name).lower() == "origin"), None)
    try:
        allowed = deployment.load().cors_origins
    except ProxySettingsError:
        return {}
    if not allowed:
        return {}
    vary = {"Vary": "Origin"}
    return {"Access-Control-Allow-Origin": str(origin), **vary} if origin in allowed else vary
