"""IAM checks of SageMaker's operations, made before an operation reads anything."""

from typing import Any

from localaws.errors import ServiceError
from localaws.identity import Caller
from localaws.ministack.cloudformation.resources import deployed
from localaws.ministack.policies import Authorizer
from localaws.sagemaker.arns import Key

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
DEREGISTER = "application-autoscaling:DeregisterScalableTarget"
NOT_DEREGISTERED = (
    "An Application AutoScaling scalable target exists for a variant being deleted, and the IAM identity used to "
    f"invoke DeleteEndpoint does not have {DEREGISTER} permission to deregister the scalable target."
)


class Access:
    """Requires the permissions of an operation. Each method raises AccessDeniedException."""

    def __init__(self, authorizer: Authorizer) -> None:
        self.authorizer = authorizer

    def use(self, caller: Caller, operation: str, key: Key) -> None:
        """Require an operation on an existing resource."""
        self.authorizer.require(caller, f"sagemaker:{operation}", key.arn)

    def list(self, caller: Caller, operation: str) -> None:
        """Require a List operation, which has no resource."""
        self.authorizer.require(caller, f"sagemaker:{operation}", "*")

    def create(self, caller: Caller, operation: str, key: Key, request: dict[str, Any]) -> None:
        """Require the creation of a resource, and AddTags if it has tags."""
        tags = {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in request.get("Tags", [])}
        self.authorizer.require(caller, f"sagemaker:{operation}", key.arn, tags)
        if tags:
            self.authorizer.require(caller, "sagemaker:AddTags", key.arn, tags)

    def pass_role(self, caller: Caller, role_arn: str, key: Key) -> None:
        """Require iam:PassRole for a role that SageMaker will use."""
        context = {"iam:PassedToService": "sagemaker.amazonaws.com", "iam:AssociatedResourceArn": key.arn}
        self.authorizer.require(caller, "iam:PassRole", role_arn, context)

    def stop_scaling(self, caller: Caller, key: Key) -> None:
        """Require the permission to deregister an endpoint's scalable targets, which deleting the endpoint does.

        (Developer guide, "Delete endpoints configured for auto scaling".)
        """
        keys = {
            "application-autoscaling:service-namespace": "sagemaker",
            "application-autoscaling:scalable-dimension": DIMENSION,
        }
        for target in scalable_targets(caller, key.name).values():
            arn = f"arn:aws:application-autoscaling:{caller.region}:{caller.account}:scalable-target/{target}"
            try:
                self.authorizer.require(caller, DEREGISTER, arn, keys)
            except ServiceError as error:
                raise ServiceError(error.code, NOT_DEREGISTERED, error.status) from error


def scalable_targets(caller: Caller, endpoint_name: str) -> dict[str, str]:
    """Return the physical ids of an endpoint's scalable targets in the account's stacks, by variant."""
    targets = deployed(caller.account, caller.region, "AWS::ApplicationAutoScaling::ScalableTarget")
    parts = [(str(properties["ResourceId"]).split("/"), target) for target, properties in targets]
    return {part[3]: target for part, target in parts if part[0] == "endpoint" and part[1].lower() == endpoint_name}
