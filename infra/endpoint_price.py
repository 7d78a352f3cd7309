"""What the endpoint costs, from the project's price table, so that the API can say it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.settings import Settings

TABLE = Path(__file__).resolve().parents[1] / "ml" / "training" / "prices.json"
DIGITS = 8
"""Of a price in its currency: a serverless second costs 0.00002 a gigabyte."""


def read() -> dict[str, Any]:
    """Return the price table: a file that ml keeps, and that nothing else of ml is needed for."""
    table: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table


def endpoint(settings: Settings, table: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the endpoint's cost as GET /model says it; None where the table has no price for it.

    `per_hour` is that of the least number of instances, and 0 for a serverless endpoint, which costs
    `per_inference_second` for each second of an inference instead. Requests and storage are not in it.
    """
    per_second = None
    if settings.realtime:
        price = table["hosting_hour"].get(settings.instance_type)
        if price is None:
            return None
        per_hour = round(settings.instance_count * price, DIGITS)
        most = f" to {settings.autoscaling_max_instances}" if settings.scales else ""
        what = f"{settings.instance_count}{most} x {settings.instance_type}"
    else:
        gigabytes = settings.serverless_memory_mb / 1024
        per_hour, per_second = 0.0, round(gigabytes * table["serverless_gb_second"], DIGITS)
        what = f"serverless, {gigabytes:g} GB"
    return {
        "per_hour": per_hour,
        "per_inference_second": per_second,
        "currency": table["currency"],
        "what": what,
        "price_region": table["region"],
        "read": table["read"],
    }
