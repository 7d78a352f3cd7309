"""The quotas that `ml.preflight` checks: of training and transform jobs, and of the endpoint."""

import functools
from collections.abc import Mapping
from typing import Any

from ml import project
from ml.aws import clients
from ml.errors import UserError
from ml.leasing import entry
from ml.preflight_checks import NotYetError, UnknownError

SERVERLESS_CONCURRENCY = "Maximum total concurrency that can be allocated across all serverless endpoints"
SERVERLESS_MEMORY = "Memory size in MB per serverless endpoint"
USUAL_SERVERLESS_MEMORY = 3072
"""The quota that AWS names when it refuses more. Public reports say that Service Quotas does not list it."""
SERVERLESS_REGIONS = frozenset((
    "af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1",
    "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3",
    "me-south-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
))  # fmt: skip
"""Regions for which the developer guide gives a concurrency (serverless-endpoints, "Concurrent invocations")."""
REQUEST = "request more in the Service Quotas console (Amazon SageMaker)"


class Quotas:
    """The account's SageMaker quotas by name. The more than 1,500 quotas are listed once."""

    @functools.cached_property
    def applied(self) -> dict[str, float]:
        """The quotas with a value of the account's own."""
        return self._listed("list_service_quotas")

    @functools.cached_property
    def defaults(self) -> dict[str, float]:
        """AWS's default values. An account without a value of its own for a quota has the default."""
        return self._listed("list_aws_default_service_quotas")

    def _listed(self, operation: str) -> dict[str, float]:
        pages = clients.client("service-quotas").get_paginator(operation).paginate(ServiceCode="sagemaker")
        return {quota["QuotaName"]: quota["Value"] for page in pages for quota in page["Quotas"]}


def value(quotas: Quotas, name: str) -> tuple[float, str]:
    """Return a quota's value and a sentence with it.

    Raises:
        UnknownError: Service Quotas does not list it.
    """
    if name in quotas.applied:
        return quotas.applied[name], f"{name} is {quotas.applied[name]:g}"
    if name in quotas.defaults:
        return quotas.defaults[name], f"{name} is {quotas.defaults[name]:g}, AWS's default"
    raise UnknownError(
        f"Service Quotas does not list {name!r} in {clients.region()}. The region may not offer this instance type."
    )


def check(quotas: Quotas, name: str, needed: int) -> str:
    """Return a sentence about a quota.

    Raises:
        UserError: it is below `needed`.
        UnknownError: Service Quotas does not list it.
    """
    quota, sentence = value(quotas, name)
    if quota < needed:
        raise UserError(f"{sentence}, but {needed} is required; {REQUEST}.")
    return sentence


def training(quotas: Quotas, instance_type: str, spot: bool) -> str:
    """Return a sentence about the quota of a training job; see `check`."""
    return check(quotas, f"{instance_type} for {'spot ' if spot else ''}training job usage", 1)


def transform(quotas: Quotas, instance_type: str) -> str:
    """Return a sentence about the quota of a transform job; see `check`."""
    return check(quotas, f"{instance_type} for transform job usage", 1)


def endpoint(quotas: Quotas, stage: str, settings: Mapping[str, Any]) -> str:
    """Return a sentence about the quota of the stage's endpoint.

    An update runs the old and the new instances at the same time (UpdateEndpoint: "to a new fleet of instances"), and
    keeps the number of instances that scaling has reached.

    Raises:
        UserError: it does not suffice for the next deployment.
        NotYetError: it does not suffice for an update at the largest number of instances.
        UnknownError: Service Quotas does not list it.
    """
    if settings["hosting"] == "function":
        return "not used (hosting is function)"
    if settings["hosting"] == "serverless":
        return check(quotas, SERVERLESS_CONCURRENCY, int(settings["serverless_concurrency"]))
    count = int(settings["instance_count"])
    largest = max(count, int(settings["autoscaling_max_instances"]))
    name = f"{settings['instance_type']} for endpoint usage"
    sentence = check(quotas, name, count * (2 if next_deployment_updates(stage, settings) else 1))
    if value(quotas, name)[0] < 2 * largest:
        raise NotYetError(
            f"{sentence}, but an update of the endpoint runs the old and the new instances at the same time and needs "
            f"{2 * largest} (2 x {largest}); {REQUEST}."
        )
    return sentence


def next_deployment_updates(stage: str, settings: Mapping[str, Any]) -> bool:
    """Return whether the next deployment replaces the running endpoint's model on the same instance type."""
    name = entry.deployed_endpoint(stage)
    if name is None or not entry.endpoint_exists(name):
        return False
    sagemaker = clients.client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    variant = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0]
    served = sagemaker.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"].get("ModelDataUrl")
    next_artifact = project.read_context().get(f"model:{stage}", {}).get("artifact", served)
    return bool(variant.get("InstanceType") == settings["instance_type"] and served != next_artifact)


def serverless(quotas: Quotas, settings: Mapping[str, Any]) -> str:
    """Return a sentence about serverless hosting.

    Raises:
        UserError: the account's memory quota is too low.
        UnknownError: the region may not offer it, or AWS may refuse the memory.
    """
    if settings["hosting"] != "serverless":
        return f"not used (hosting is {settings['hosting']})"
    region, memory = settings["region"], int(settings["serverless_memory_mb"])
    if region not in SERVERLESS_REGIONS:
        raise UnknownError(
            f"the SageMaker guide does not list {region} among the regions with serverless inference; use one of "
            f"{', '.join(sorted(SERVERLESS_REGIONS))}, or hosting=realtime."
        )
    if memory <= USUAL_SERVERLESS_MEMORY:
        return f"offered in {region}, with {memory} MB"
    if SERVERLESS_MEMORY in quotas.applied | quotas.defaults:
        return check(quotas, SERVERLESS_MEMORY, memory)
    raise UnknownError(
        f"serverless_memory_mb is {memory}, but ordinary accounts are limited to {USUAL_SERVERLESS_MEMORY}. Service "
        "Quotas does not list this limit, and SageMaker refuses more with ResourceLimitExceeded when the endpoint is "
        f"created. Use {USUAL_SERVERLESS_MEMORY}, or ask AWS Support for a higher limit first."
    )
