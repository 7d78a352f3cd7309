"""Names of resources: their keys in the store and their ARNs."""

from typing import NamedTuple

from localaws.errors import invalid
from localaws.identity import Caller

KINDS = {
    "TrainingJob": "training-job",
    "TransformJob": "transform-job",
    "ProcessingJob": "processing-job",
    "HyperParameterTuningJob": "hyper-parameter-tuning-job",
    "Model": "model",
    "EndpointConfig": "endpoint-config",
    "Endpoint": "endpoint",
    "ModelPackageGroup": "model-package-group",
    "ModelPackage": "model-package",
}
"""The kinds of resources in localaws, and the resource type of each in an ARN."""


class Key(NamedTuple):
    """One resource. `name` is in lower case, as in the ARN, because SageMaker ignores the case of names.

    The name of a ModelPackage is GROUP/VERSION.
    """

    kind: str
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The resource's ARN (SageMaker prints the name in lower case)."""
        return f"arn:{partition(self.region)}:sagemaker:{self.region}:{self.account}:{KINDS[self.kind]}/{self.name}"


def key_of(caller: Caller, kind: str, name: str) -> Key:
    """Return the key of the caller's resource of that kind and name."""
    return Key(kind, caller.account, caller.region, name.lower())


def parse_arn(arn: str) -> Key:
    """Return the key of a resource from its ARN.

    Raises:
        ServiceError: ValidationException, if it is not the ARN of a kind in KINDS.
    """
    parts = arn.split(":", 5)
    if len(parts) == 6:
        resource_type, _, name = parts[5].partition("/")
        for kind, type_of_kind in KINDS.items():
            if resource_type == type_of_kind and name:
                return Key(kind, parts[4], parts[3], name.lower())
    raise invalid(f"Invalid ARN {arn}: localaws has {', '.join(KINDS.values())} resources.")


def partition(region: str) -> str:
    """Return the partition a region belongs to."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
