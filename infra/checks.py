"""Checks of single settings: each returns the value in its type, or raises ValueError with what is allowed."""

import re
from collections.abc import Callable
from typing import Any

RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
                  3653)  # fmt: skip
"""What CloudWatch Logs offers (PutRetentionPolicy)."""


def text(pattern: str, allowed: str) -> Callable[[Any], str]:
    """Return a check of a string."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(allowed)
        return value

    return check


def one_of(*allowed: str) -> Callable[[Any], str]:
    """Return a check of a choice."""

    def check(value: Any) -> str:
        if value not in allowed:
            raise ValueError("one of " + ", ".join(allowed))
        return str(value)

    return check


def whole(low: int, high: int, step: int = 1) -> Callable[[Any], int]:
    """Return a check of a whole number; `-c` hands over strings."""
    steps = f" in steps of {step}" if step > 1 else ""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,9}", str(value)) or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}{steps}")
        if int(value) % step:
            raise ValueError(f"a whole number from {low} to {high}{steps}")
        return int(value)

    return check


def parts(pattern: str, allowed: str) -> Callable[[Any], tuple[str, ...]]:
    """Return a check of a comma-separated list, which may be empty."""

    def check(value: Any) -> tuple[str, ...]:
        if not isinstance(value, str):
            raise ValueError(allowed)
        found = tuple(part for part in (each.strip() for each in value.split(",")) if part)
        if not all(re.fullmatch(pattern, part) for part in found):
            raise ValueError(allowed)
        return found

    return check


def flag(value: Any) -> bool:
    """Check true or false."""
    if str(value).lower() not in ("true", "false"):
        raise ValueError("true or false")
    return str(value).lower() == "true"


def retention(value: Any) -> int:
    """Check a number of days that CloudWatch Logs offers."""
    if str(value) not in map(str, RETENTION_DAYS):
        raise ValueError("one of " + ", ".join(map(str, RETENTION_DAYS)))
    return int(value)
