"""Who may do what: every operation asks IAM before it looks at anything."""

from typing import Any

from localaws.errors import ServiceError
from localaws.identity import Authorizer, Caller, account_scope
from localaws.sagemaker.arns import Key

SAGEMAKER = "sagemaker.amazonaws.com"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
DEREGISTER = "application-autoscaling:DeregisterScalableTarget"
NOT_DEREGISTERED = (
    "An Application AutoScaling scalable target exists for a variant being deleted, and the IAM identity used to "
    f"invoke DeleteEndpoint does not have {DEREGISTER} permission to deregister the scalable target."
)


class Access:
    """Asks the authorizer for what an operation needs; each method raises AccessDeniedException."""

    def __init__(self, authorizer: Authorizer) -> None:
        self.authorizer = authorizer

    def use(self, caller: Caller, operation: str, key: Key) -> None:
        """Ask for an operation on an existing resource."""
        self.authorizer.require(caller, f"sagemaker:{operation}", key.arn)

    def list(self, caller: Caller, operation: str) -> None:
        """Ask for a List operation, which knows no resource."""
        self.authorizer.require(caller, f"sagemaker:{operation}", "*")

    def create(self, caller: Caller, operation: str, key: Key, request: dict[str, Any]) -> None:
        """Ask for the creation of a resource, and for AddTags when it is created with tags."""
        tags = {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in request.get("Tags", [])}
        self.authorizer.require(caller, f"sagemaker:{operation}", key.arn, tags)
        if tags:
            self.authorizer.require(caller, "sagemaker:AddTags", key.arn, tags)

    def pass_role(self, caller: Caller, role_arn: str, key: Key) -> None:
        """Ask whether the caller may hand the role to SageMaker."""
        context = {"iam:PassedToService": SAGEMAKER, "iam:AssociatedResourceArn": key.arn}
        self.authorizer.require(caller, "iam:PassRole", role_arn, context)

    def stop_scaling(self, caller: Caller, key: Key) -> None:
        """Ask whether the caller may deregister the scalable targets of an endpoint, which deleting it does.

        (Developer guide, "Delete endpoints configured for auto scaling".)
        """
        keys = {
            "application-autoscaling:service-namespace": "sagemaker",
            "application-autoscaling:scalable-dimension": DIMENSION,
        }
        for target in scalable_targets(caller, key.name):
            arn = f"arn:aws:application-autoscaling:{caller.region}:{caller.account}:scalable-target/{target}"
            try:
                self.authorizer.require(caller, DEREGISTER, arn, keys)
            except ServiceError as error:
                raise ServiceError(error.code, NOT_DEREGISTERED, error.status) from error


def scalable_targets(caller: Caller, endpoint_name: str) -> list[str]:
    """Return the physical ids of an endpoint's scalable targets in the account's stacks."""
    from ministack.services.cloudformation import _stacks

    with account_scope(caller.account, caller.region):
        resources = [one for stack in _stacks.values() for one in stack.get("_resources", {}).values()]
    return [
        one["PhysicalResourceId"]
        for one in resources
        if one["ResourceType"] == "AWS::ApplicationAutoScaling::ScalableTarget"
        and str(one["Properties"]["ResourceId"]).lower().startswith(f"endpoint/{endpoint_name}/")
    ]
