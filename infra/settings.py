"""The deployment's settings, read from context (`cdk.json`, overridden by `-c name=value`).

| name | allowed | meaning |
| --- | --- | --- |
| stage | a-z, then a-z or 0-9, at most 16 | names the stacks and the endpoint; stages coexist in one account |
| region | a region with the algorithm's image | where the stacks are deployed |
| hosting | realtime, serverless | an instance that is billed by the hour, or billing by use with cold starts |
| instance_type | ml.* | of the real-time endpoint |
| instance_count | 1 to 20 | of the real-time endpoint |
| serverless_memory_mb | 1024 to 6144 in steps of 1024 | of the serverless endpoint |
| serverless_concurrency | 1 to 200 | of the serverless endpoint |
| retain_data | true, false | keep the bucket and its objects when the stack is deleted |
| rate_limit, burst_limit | 1 to 10000 | requests a second, and at once, for each API key |
| daily_quota | 1 to 10000000 | requests a day for each API key |
| log_retention_days | what CloudWatch Logs offers | of the function's and the API's logs |
| function_memory_mb | 256 to 10240 | of the Lambda proxy; its CPU grows with it |
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from infra.errors import SettingsError
from infra.image_uris import ACCOUNTS

RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)


@dataclass(frozen=True)
class Settings:
    """Checked settings; the table above says what each means."""

    stage: str
    region: str
    hosting: str
    instance_type: str
    instance_count: int
    serverless_memory_mb: int
    serverless_concurrency: int
    retain_data: bool
    rate_limit: int
    burst_limit: int
    daily_quota: int
    log_retention_days: int
    function_memory_mb: int

    def stack_name(self, part: str) -> str:
        """Return a stack's name, such as Pneumonia-dev-Storage."""
        return f"Pneumonia-{self.stage}-{part}"

    @property
    def endpoint_name(self) -> str:
        """The one fixed name: of the SageMaker endpoint."""
        return f"pneumonia-{self.stage}"


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


CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "stage": text(r"[a-z][a-z0-9]{0,15}", "a lower-case letter, then at most 15 lower-case letters or digits"),
    "region": one_of(*sorted(ACCOUNTS)),
    "hosting": one_of("realtime", "serverless"),
    "instance_type": text(r"ml\.[a-z0-9-]+\.[a-z0-9]+", "an instance type such as ml.m5.large"),
    "instance_count": whole(1, 20),
    "serverless_memory_mb": whole(1024, 6144, 1024),
    "serverless_concurrency": whole(1, 200),
    "retain_data": flag,
    "rate_limit": whole(1, 10_000),
    "burst_limit": whole(1, 10_000),
    "daily_quota": whole(1, 10_000_000),
    "log_retention_days": retention,
    "function_memory_mb": whole(256, 10_240),
}


def read(context: Mapping[str, Any]) -> Settings:
    """Read the settings from the app's context.

    Keys with ":" or "@" belong to the CDK and to the models; every other key must be a setting.

    Raises:
        SettingsError: naming every fault: a missing, unknown or bad setting, and what is allowed.
    """
    known = {item.name for item in fields(Settings)}
    ours = {name: value for name, value in context.items() if ":" not in name and "@" not in name}
    faults = [f"unknown setting {name!r}; allowed: {', '.join(sorted(known))}" for name in sorted(set(ours) - known)]
    values: dict[str, Any] = {}
    for name, check in CHECKS.items():
        if name not in ours:
            faults.append(f"{name} is not set; it belongs into the context of cdk.json")
            continue
        try:
            values[name] = check(ours[name])
        except ValueError as error:
            faults.append(f"{name} is {ours[name]!r}; it must be {error}")
    if faults:
        remedy = "Change cdk.json, or override a setting for one run with `--context name=value`."
        raise SettingsError(f"Settings: {'; '.join(faults)}. {remedy}")
    return Settings(**values)
