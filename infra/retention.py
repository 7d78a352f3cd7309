"""A stack that stops CloudFormation from making a retained bucket deletable."""

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.exports import retained_export
from infra.settings import Settings


class RetentionStack(cdk.Stack):
    """Imports an export that the storage stack has only if retain_data is true.

    Without this stack, a deployment with retain_data=false would remove the protection of the storage stack, and
    `cdk destroy` would then delete every object. CloudFormation refuses an update that removes an export in use.
    To make the bucket deletable, turn off this stack's termination protection and delete the stack.
    """

    def __init__(self, scope: Construct, settings: Settings) -> None:
        name = settings.stack_name("Retention")
        super().__init__(scope, name, env=cdk.Environment(region=settings.region), termination_protection=True)
        ssm.StringParameter(
            self,
            "RetainedBucket",
            description=f"Data bucket of stage {settings.stage}, retained while this stack exists",
            string_value=cdk.Fn.import_value(retained_export(settings)),
        )
