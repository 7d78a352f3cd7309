"""Service Quotas, as far as it lists SageMaker's quotas. Nothing here enforces them."""

import zlib
from collections.abc import Mapping
from typing import Any

from localaws.errors import ServiceError
from localaws.identity import Caller
from localaws.ministack.policies import Authorizer
from localaws.sagemaker.api.listing import paginate
from localaws.sagemaker.checks.constraints import validate

SERVICE = "sagemaker"
PAGE = 20
"""Quotas of a page without MaxResults. AWS does not document its own number."""
USAGES = ("training job usage", "spot training job usage", "transform job usage", "endpoint usage")
GRANTED = (
    "ml.c5.large", "ml.c5.xlarge", "ml.g4dn.xlarge", "ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.m5.4xlarge",
)  # fmt: skip
"""Instance types for which this account has quotas of its own."""
ONLY_DEFAULTS = ("ml.g4dn.2xlarge", "ml.g4dn.4xlarge", "ml.g5.xlarge", "ml.g5.2xlarge", "ml.p3.2xlarge")
"""Instance types with AWS's default quota, which is 0 as in new accounts."""
CONCURRENCY = {"Maximum total concurrency that can be allocated across all serverless endpoints": 10.0}
"""A new account's value (re:Post, "total concurrency for serverless inference is not 200 only 10")."""
APPLIED = CONCURRENCY | {f"{name} for {usage}": 4.0 for name in GRANTED for usage in USAGES}
DEFAULTS = CONCURRENCY | {f"{name} for {usage}": 0.0 for name in (*GRANTED, *ONLY_DEFAULTS) for usage in USAGES}


class ServiceQuotas:
    """The operations that list quotas. ListServiceQuotas leaves out those without a value of the account's own."""

    def __init__(self, authorizer: Authorizer) -> None:
        self.authorizer = authorizer
        self.lists: Mapping[str, Mapping[str, float]] = {
            "ListServiceQuotas": APPLIED,
            "ListAWSDefaultServiceQuotas": DEFAULTS,
        }

    def control(self, caller: Caller, operation: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Carry out one operation and return its response.

        Raises:
            ServiceError: the request is refused.
        """
        if operation not in self.lists:
            raise ServiceError(
                "UnknownOperationException",
                f"Service Quotas in localaws has no operation {operation or '(none)'}. Available: "
                f"{', '.join(self.lists)}.",
            )
        self.authorizer.require(caller, f"servicequotas:{operation}", "*")
        validate(operation, payload, "service-quotas")
        if payload["ServiceCode"] != SERVICE:
            raise ServiceError(
                "NoSuchResourceException", "The request failed because the specified service does not exist."
            )
        account = caller.account if operation == "ListServiceQuotas" else ""
        quotas = [described(name, value, caller.region, account) for name, value in self.lists[operation].items()]
        page, token = paginate([quota for quota in quotas if matches(quota, payload)], payload, PAGE)
        return {"Quotas": page} | ({"NextToken": token} if token else {})


def matches(quota: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Return whether a quota is the one that the request asks for, if it asks for one."""
    return request.get("QuotaCode") in (None, quota["QuotaCode"])


def described(name: str, value: float, region: str, account: str) -> dict[str, Any]:
    """Return a quota as Service Quotas describes it. Its code is made from its name and differs from AWS's."""
    code = f"L-{zlib.crc32(name.encode()):08X}"
    return {
        "ServiceCode": SERVICE,
        "ServiceName": "Amazon SageMaker",
        "QuotaArn": f"arn:aws:servicequotas:{region}:{account}:{SERVICE}/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }
