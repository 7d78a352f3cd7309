"""Who may do what: every operation asks IAM before it looks at anything."""

from typing import Any

from localaws.identity import Authorizer, Caller
from localaws.sagemaker.arns import Key

SAGEMAKER = "sagemaker.amazonaws.com"


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
