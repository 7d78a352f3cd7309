"""The deployment settings, one row each.

cdk.json has their defaults, and under "stages" what differs in a stage; `cdk deploy -c name=value` overrides both for
one run (`infra.resolution`).

| name | allowed | what it is |
| --- | --- | --- |
| stage | lower-case letter, then up to 15 letters or digits | part of every name; stages share an account |
| region | a region that has the algorithm | where the stacks go |
| hosting | realtime, serverless | billed by the hour, or by the request with a cold start |
| instance_type | ml.* | of a realtime endpoint |
| instance_count | 1 to 20 | of a realtime endpoint; the least when it scales |
| autoscaling_max_instances | 1 to 20 | of a realtime endpoint; instance_count or less is no scaling |
| autoscaling_target | 1 to 100000 | requests a minute and instance that scaling aims at |
| rollback_wait_minutes | 0 to 60 | so long a new configuration serves under alarms before the old one goes |
| serverless_memory_mb | 1024 to 6144 in steps of 1024 | of a serverless endpoint |
| serverless_concurrency | 1 to 200 | of a serverless endpoint |
| lease_hours | 0 to 168 | the endpoint deletes itself so long after the last extension; 0 is never |
| data_capture_percent | 0 to 100 | share of requests, images included, that a realtime endpoint stores |
| vpc_subnets, vpc_security_groups | comma-separated ids | where a realtime endpoint's instances live; empty is no VPC |
| auth | api_key, iam | a key in x-api-key, or requests signed with AWS credentials |
| cors_origins | comma-separated https origins | web pages that may call the API; empty is none |
| waf | true, false | AWS WAF in front of the API: common attacks, and a rate for each address |
| rate_limit, burst_limit | 1 to 10000 | requests a second, and at once, for each API key |
| daily_quota | 1 to 10000000 | requests a day for each API key |
| function_memory_mb | 256 to 10240 | of the Lambda proxy; its CPU grows with it |
| kms | none, create | S3's own encryption, or a key of this stage |
| retain_data | true, false | keep buckets and objects when the stack is deleted; a key is always kept |
| log_retention_days | what CloudWatch Logs offers | of the function's and the API's logs |
| alarms_email | an address | who is told of alarms and of the budget; empty is nobody |
| budget_monthly_usd | 0 to 1000000 | a warning at 80 % and at 100 % of the account's costs; 0 is none |
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.checks import flag, one_of, parts, retention, text, whole
from infra.errors import SettingsError
from infra.image_uris import ACCOUNTS
from infra.resolution import resolve


@dataclass(frozen=True)
class Settings:
    """Checked settings; the table above says what each means."""

    stage: str
    region: str
    hosting: str
    instance_type: str
    instance_count: int
    autoscaling_max_instances: int
    autoscaling_target: int
    rollback_wait_minutes: int
    serverless_memory_mb: int
    serverless_concurrency: int
    lease_hours: int
    data_capture_percent: int
    vpc_subnets: tuple[str, ...]
    vpc_security_groups: tuple[str, ...]
    auth: str
    cors_origins: tuple[str, ...]
    waf: bool
    rate_limit: int
    burst_limit: int
    daily_quota: int
    function_memory_mb: int
    kms: str
    retain_data: bool
    log_retention_days: int
    alarms_email: str
    budget_monthly_usd: int

    def stack_name(self, part: str) -> str:
        """Return a stack's name, such as Pneumonia-dev-Storage."""
        return f"Pneumonia-{self.stage}-{part}"

    @property
    def realtime(self) -> bool:
        """Whether instances serve."""
        return self.hosting == "realtime"

    @property
    def scales(self) -> bool:
        """Whether the number of instances follows the load."""
        return self.realtime and self.autoscaling_max_instances > self.instance_count


CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "stage": text(r"[a-z][a-z0-9]{0,15}", "a lower-case letter, then at most 15 lower-case letters or digits"),
    "region": one_of(*sorted(ACCOUNTS)),
    "hosting": one_of("realtime", "serverless"),
    "instance_type": text(r"ml\.[a-z0-9-]+\.[a-z0-9]+", "an instance type such as ml.m5.large"),
    "instance_count": whole(1, 20),
    "autoscaling_max_instances": whole(1, 20),
    "autoscaling_target": whole(1, 100_000),
    "rollback_wait_minutes": whole(0, 60),
    "serverless_memory_mb": whole(1024, 6144, 1024),
    "serverless_concurrency": whole(1, 200),
    "lease_hours": whole(0, 168),
    "data_capture_percent": whole(0, 100),
    "vpc_subnets": parts(r"subnet-[0-9a-f]{8,17}", "a comma-separated list such as subnet-0123456789abcdef0, or empty"),
    "vpc_security_groups": parts(r"sg-[0-9a-f]{8,17}", "a comma-separated list such as sg-0123456789abcdef0, or empty"),
    "auth": one_of("api_key", "iam"),
    "cors_origins": parts(
        r"https://[a-z0-9.-]+(:\d{1,5})?", "a comma-separated list such as https://app.example.org, or empty"
    ),
    "waf": flag,
    "rate_limit": whole(1, 10_000),
    "burst_limit": whole(1, 10_000),
    "daily_quota": whole(1, 10_000_000),
    "function_memory_mb": whole(256, 10_240),
    "kms": one_of("none", "create"),
    "retain_data": flag,
    "log_retention_days": retention,
    "alarms_email": text(r"|[^@\s,]+@[^@\s,]+\.[^@\s,]+", "an e-mail address, or empty"),
    "budget_monthly_usd": whole(0, 1_000_000),
}


def read(context: Mapping[str, Any]) -> Settings:
    """Read the settings from the app's context.

    Raises:
        SettingsError: naming every fault: a missing, unknown or bad setting, and what is allowed.
    """
    values, faults = resolve(context, CHECKS)
    if not faults:
        faults = list(contradictions(Settings(**values)))
    if faults:
        remedy = "Change cdk.json, or override a setting for one run with `--context name=value`."
        raise SettingsError(f"Settings: {'; '.join(faults)}. {remedy}")
    return Settings(**values)


def contradictions(found: Settings) -> Iterator[str]:
    """Yield what single settings allow and together make no sense, or AWS does not offer."""
    if bool(found.vpc_subnets) != bool(found.vpc_security_groups):
        yield "vpc_subnets and vpc_security_groups belong together; set both or neither"
    if not found.realtime:
        for name in ("vpc_subnets", "data_capture_percent"):
            if getattr(found, name):
                yield f"{name} is set, which a serverless endpoint does not offer; set hosting=realtime or leave it out"
    if found.burst_limit < found.rate_limit:
        yield f"burst_limit is {found.burst_limit}, below rate_limit, {found.rate_limit}; it must be at least that"
    if found.budget_monthly_usd and not found.alarms_email:
        yield "budget_monthly_usd is set without alarms_email; name the address that the warning goes to"


def summary(found: Settings) -> str:
    """Return what will be deployed, in two lines."""
    if found.realtime:
        most = f" to {found.autoscaling_max_instances}" if found.scales else ""
        endpoint = f"{found.instance_count}{most} x {found.instance_type}, billed by the hour"
    else:
        endpoint = f"serverless, {found.serverless_memory_mb} MB, billed by the request"
    lease = "runs until deleted"
    if found.lease_hours:
        lease = f"deletes itself {found.lease_hours} h after its last extension"
    lines = [
        f"Stage {found.stage} in {found.region}: endpoint {endpoint}, {lease}.",
        f"API by {found.auth}, {found.rate_limit} requests/s{', behind WAF' if found.waf else ''}; alarms to "
        f"{found.alarms_email or 'nobody'}; data {'kept' if found.retain_data else 'removed'} with the stack"
        f"{', encrypted with a key of its own' if found.kms == 'create' else ''}.",
    ]
    if found.data_capture_percent:
        lines.append(
            f"The endpoint stores {found.data_capture_percent} % of the images it is sent: images of patients."
        )
    return "\n".join(lines)
