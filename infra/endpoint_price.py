"""The cost of the model's hosting from the project's price table; `GET /model` shows it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.settings import Settings

TABLE = Path(__file__).resolve().parents[1] / "ml" / "training" / "prices.json"
DIGITS = 8
"""Decimals of a price: a serverless second costs 0.00002 USD per gigabyte."""


def read() -> dict[str, Any]:
    """Return the price table, a JSON file that `ml` maintains."""
    table: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table


def endpoint(settings: Settings, table: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the hosting's cost as `GET /model` shows it, or None if the table has no price for it.

    `per_hour` is the cost of the minimum number of instances. It is 0 for a serverless endpoint and for the API's
    function, which cost `per_inference_second` for each second of inference. Requests, data transfer and storage are
    not included.
    """
    per_second = None
    if settings.realtime:
        price = table["hosting_hour"].get(settings.instance_type)
        if price is None:
            return None
        per_hour = round(settings.instance_count * price, DIGITS)
        maximum = f" to {settings.autoscaling_max_instances}" if settings.scales else ""
        what = f"{settings.instance_count}{maximum} x {settings.instance_type}"
    elif settings.in_function:
        gigabytes = settings.memory_mb / 1024
        per_hour, per_second = 0.0, round(gigabytes * table["lambda_gb_second"], DIGITS)
        what = f"Lambda function, {gigabytes:.2f} GB"
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
