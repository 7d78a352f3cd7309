"""The deployment settings: type, default, range and meaning of each.

`docs/operations.md` has them as a table, which `python -m infra.settings_table` writes. `infra.resolution` reads them
from cdk.json, which repeats the defaults because the `ml` commands read them there.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from infra.image_uris import ACCOUNTS, offers_pytorch
from infra.setting_types import Flag, StrictModel, Whole, accepts, items, member

PROJECT = "chest-xray-classifier"
"""Value of the tag `project`, which `ml` also gives to its jobs."""
RUNTIME_MEMORY_MB = 3008
"""Least memory of a function that runs the model. It has 1.7 vCPUs: Lambda gives one for 1,769 MB. New accounts have a
reduced memory quota (Lambda developer guide, quotas), which public reports put at 3,008 MB."""
RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288,
                  3653)  # fmt: skip
"""What CloudWatch Logs offers (PutRetentionPolicy)."""
NO_BUDGETS = frozenset({
    "af-south-1", "ap-east-1", "ap-northeast-3", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ca-west-1",
    "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "us-gov-east-1",
    "us-gov-west-1",
})  # fmt: skip
"""Regions where CloudFormation does not offer AWS::Budgets::Budget."""
Subnet = Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")]
Subnets = Annotated[tuple[Subnet, ...], BeforeValidator(items)]
SecurityGroup = Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")]
SecurityGroups = Annotated[tuple[SecurityGroup, ...], BeforeValidator(items)]
Origin = Annotated[str, Field(pattern=r"^https://[a-z0-9.-]+(:[0-9]{1,5})?$")]
Origins = Annotated[tuple[Origin, ...], BeforeValidator(items)]
Bucket = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
Buckets = Annotated[tuple[Bucket, ...], BeforeValidator(items)]


class Settings(StrictModel):
    """The settings of one stage."""

    stage: str = Field(
        "dev", pattern=r"^[a-z][a-z0-9]{0,15}$", description="part of every name; stages share an account",
        json_schema_extra=accepts("a lower-case letter, then at most 15 lower-case letters or digits"),
    )  # fmt: skip
    region: Annotated[str, member(ACCOUNTS)] = Field(
        "us-east-1", description="AWS region of the stacks; SageMaker's Image Classification must exist there",
        json_schema_extra=accepts("one of " + ", ".join(sorted(ACCOUNTS))),
    )  # fmt: skip
    algorithm: Literal["image-classification", "pytorch"] = Field(
        "image-classification",
        description="what `ml.train` trains: SageMaker's ResNet on a GPU, or the project's own network on CPUs",
    )
    hosting: Literal["realtime", "serverless", "function"] = Field(
        "realtime",
        description="an endpoint of instances billed by the hour; an endpoint billed by the request, with cold starts; "
        "or no endpoint: the API's function runs the graph of `ml.export`, billed by the request, with cold starts",
    )
    instance_type: str = Field(
        "ml.m5.large", pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$", description="instance type of a realtime endpoint",
        json_schema_extra=accepts("an instance type such as ml.m5.large"),
    )  # fmt: skip
    instance_count: Whole = Field(
        1, ge=1, le=20, description="instances of a realtime endpoint; the minimum when it scales"
    )
    autoscaling_max_instances: Whole = Field(
        1, ge=1, le=20, description="maximum of a realtime endpoint; not above instance_count disables scaling"
    )
    # 0.39 a second x 0.5 x 60 (developer guide, "Load testing your auto scaling configuration"): ml.m5.large has one
    # worker (vCPUs - 1), and 7 workers on 8 vCPUs answered 2.7 a second.
    autoscaling_target: Whole = Field(
        12, ge=1, le=100_000,
        description="requests per minute and instance that scaling aims at; an estimated 900 fits "
        "algorithm=pytorch, 600 its recipe cloud",
    )  # fmt: skip
    rollback_wait_minutes: Whole = Field(
        5, ge=0, le=60,
        description="minutes the new fleet is watched by alarms before the old one is removed; 0 disables the alarms",
    )  # fmt: skip
    serverless_memory_mb: Whole = Field(
        3072, ge=1024, le=6144, multiple_of=1024,
        description="memory of a serverless endpoint; many accounts have a limit of 3072, which AWS Support can raise",
    )  # fmt: skip
    serverless_concurrency: Whole = Field(5, ge=1, le=200, description="concurrent requests of a serverless endpoint")
    lease_hours: Whole = Field(
        8, ge=0, le=168, description="hours until the endpoint is deleted unless extended; 0 disables the lease"
    )
    data_capture_percent: Whole = Field(
        0, ge=0, le=100, description="percentage of requests, including images, that a realtime endpoint stores"
    )
    vpc_subnets: Subnets = Field(
        (), description="at least two subnets of a realtime endpoint, in a VPC with an S3 endpoint; empty for no VPC",
        json_schema_extra=accepts("a comma-separated list such as subnet-0123456789abcdef0, or empty"),
    )  # fmt: skip
    vpc_security_groups: SecurityGroups = Field(
        (), description="security groups of these instances",
        json_schema_extra=accepts("a comma-separated list such as sg-0123456789abcdef0, or empty"),
    )  # fmt: skip
    auth: Literal["api_key", "iam"] = Field(
        "api_key", description="a key in the header x-api-key, or requests signed with AWS credentials"
    )
    cors_origins: Origins = Field(
        (), description="origins whose web pages can call the API",
        json_schema_extra=accepts("a comma-separated list such as https://app.example.org, or empty"),
    )  # fmt: skip
    waf: Flag = Field(False, description="AWS WAF in front of the API: common attacks, and a rate limit per address")
    # The smallest whole number, because one worker predicts 0.39 images a second; requests to all routes count.
    rate_limit: Whole = Field(
        1, ge=1, le=10_000,
        description="requests per second for each API key; an estimated 30 fits algorithm=pytorch, 20 its recipe cloud",
    )  # fmt: skip
    # One worker predicts 11 images in the 29 s that API Gateway waits, and many new accounts run 10 functions at once.
    burst_limit: Whole = Field(10, ge=1, le=10_000, description="requests that can arrive at once, for each API key")
    daily_quota: Whole = Field(10_000, ge=1, le=10_000_000, description="requests per day for each API key")
    function_memory_mb: Whole = Field(
        1024, ge=256, le=10_240,
        description=f"memory of the API's function, whose CPU grows with it; {RUNTIME_MEMORY_MB} if it is less and "
        "hosting is function",
    )  # fmt: skip
    manage_api_gateway_log_role: Flag = Field(
        True, description="create the role with which API Gateway writes the logs of ALL APIs of the account and region"
    )
    source_buckets: Buckets = Field(
        (), description="buckets that the jobs of ml.prepare --on sagemaker can read",
        json_schema_extra=accepts("a comma-separated list such as hospital-films, or empty"),
    )  # fmt: skip
    kms: Literal["none", "create"] = Field("none", description="encryption with S3's own keys, or a key of the stage")
    retain_data: Flag = Field(
        False, description="keep buckets and objects when the stack is deleted; a KMS key is always kept"
    )
    log_retention_days: Annotated[Whole, member(RETENTION_DAYS)] = Field(
        30, description="days that the logs of the proxy and the API are kept",
        json_schema_extra=accepts("one of " + ", ".join(map(str, RETENTION_DAYS))),
    )  # fmt: skip
    alarms_email: str = Field(
        "", pattern=r"^(|[^@\s,]+@[^@\s,]+\.[^@\s,]+)$", description="recipient of alarms and budget warnings",
        json_schema_extra=accepts("an e-mail address, or empty"),
    )  # fmt: skip
    budget_monthly_usd: Whole = Field(
        0, ge=0, le=1_000_000, description="warn at 80 % and 100 % of these costs a month; 0 disables the budget"
    )
    # A budget with a tag that is not activated in Billing counts nothing and never warns.
    budget_scope: Literal["account", "project"] = Field(
        "account", description="costs of the account, or those with the tag project; see Costs"
    )

    @model_validator(mode="after")
    def check_combinations(self) -> Self:
        """Raise ValueError with one line for each combination that makes no sense or that AWS does not offer."""
        if faults := list(self._contradictions()):
            raise ValueError("\n".join(faults))
        return self

    def _contradictions(self) -> Iterator[str]:
        if bool(self.vpc_subnets) != bool(self.vpc_security_groups):
            missing, given = sorted(["vpc_subnets", "vpc_security_groups"], key=lambda name: bool(getattr(self, name)))
            yield f"{given} is {','.join(getattr(self, given))} and {missing} is empty; set both or neither"
        if len(self.vpc_subnets) == 1:
            yield (
                f"vpc_subnets is {self.vpc_subnets[0]}; SageMaker requires at least two subnets, in different "
                "Availability Zones, also for one instance"
            )
        for name, value in {
            "vpc_subnets": ",".join(self.vpc_subnets),
            "data_capture_percent": self.data_capture_percent,
        }.items():
            if value and not self.realtime:
                yield f"{name} is {value} and hosting is {self.hosting}, which does not offer it; set hosting=realtime"
        if self.algorithm == "pytorch" and not offers_pytorch(self.region):
            yield (
                f"algorithm is pytorch and region is {self.region}, where AWS has no image of PyTorch; set "
                "algorithm=image-classification"
            )
        if self.burst_limit < self.rate_limit:
            yield f"burst_limit is {self.burst_limit}; it must be at least rate_limit, {self.rate_limit}"
        if self.budget_monthly_usd and not self.alarms_email:
            yield f"budget_monthly_usd is {self.budget_monthly_usd} and alarms_email is empty; set an address to warn"
        if self.budget_monthly_usd and self.region in NO_BUDGETS:
            yield (
                f"budget_monthly_usd is {self.budget_monthly_usd} and region is {self.region}, where CloudFormation "
                "has no budgets; set it to 0, and create a budget in the Billing console"
            )

    def stack_name(self, part: str) -> str:
        """Return a stack's name, such as Pneumonia-dev-Storage."""
        return f"Pneumonia-{self.stage}-{part}"

    @property
    def realtime(self) -> bool:
        """Whether instances serve."""
        return self.hosting == "realtime"

    @property
    def in_function(self) -> bool:
        """Whether the API's function runs the model, without an endpoint."""
        return self.hosting == "function"

    @property
    def memory_mb(self) -> int:
        """The memory of the API's function."""
        return max(self.function_memory_mb, RUNTIME_MEMORY_MB if self.in_function else 0)

    @property
    def scales(self) -> bool:
        """Whether the number of instances follows the load."""
        return self.realtime and self.autoscaling_max_instances > self.instance_count


def summary(settings: Settings) -> str:
    """Return what will be deployed, in two to four lines."""
    lease = f"deleted {settings.lease_hours} h after its last extension" if settings.lease_hours else "without a lease"
    if settings.realtime:
        maximum = f" to {settings.autoscaling_max_instances}" if settings.scales else ""
        hosting = f"endpoint {settings.instance_count}{maximum} x {settings.instance_type}, billed by the hour, {lease}"
    elif settings.in_function:
        hosting = f"no endpoint, the API's function runs the model in {settings.memory_mb} MB, billed by the request"
    else:
        hosting = f"endpoint serverless, {settings.serverless_memory_mb} MB, billed by the request, {lease}"
    lines = [
        f"Stage {settings.stage} in {settings.region}: {hosting}.",
        f"API: auth={settings.auth}, {settings.rate_limit} requests/s{', behind WAF' if settings.waf else ''}. "
        f"Alarms: {settings.alarms_email or 'no recipient'}. "
        f"Data: {'kept after' if settings.retain_data else 'deleted with'} the stack"
        f"{', encrypted with a key of the stage' if settings.kms == 'create' else ''}.",
    ]
    if settings.data_capture_percent:
        lines.append(f"The endpoint stores {settings.data_capture_percent} % of its requests: images of patients.")
    return "\n".join(lines)
