"""Render a template to an HTML page that is one file: everything is inline, nothing is loaded from elsewhere."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **values: Any) -> str:
    """Return the page; values are escaped unless they are `markupsafe.Markup`.

    Raises:
        jinja2.UndefinedError: the template uses a value that is missing.
    """
    return ENVIRONMENT.get_template(template).render(values) + "\n"


def count(number: int) -> str:
    """Return a number with separators of thousands."""
    return f"{number:,}"


def decimal(number: float | None, digits: int = 3) -> str:
    """Return a number with fixed digits; "undefined" for None and NaN."""
    return "undefined" if number is None or math.isnan(number) else f"{number:.{digits}f}"


def interval(estimate: Mapping[str, Any], digits: int = 3) -> str:
    """Return the interval of an estimate; "" if the value or the interval is undefined."""
    ends = [decimal(estimate[name], digits) for name in ("low", "high")]
    return "" if "undefined" in (*ends, decimal(estimate["value"])) else " to ".join(ends)


ENVIRONMENT.filters |= {"count": count, "decimal": decimal, "interval": interval}
