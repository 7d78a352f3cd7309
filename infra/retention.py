"""The stack that keeps CloudFormation from making a retained bucket deletable."""

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.exports import retained_export
from infra.settings import Settings


class RetentionStack(cdk.Stack):
    """Imports the export that the storage stack has only while retain_data is true.

    A template knows nothing of the one deployed before it: with retain_data=false it would tag the bucket for emptying
    and drop the protection of the storage stack, and `cdk destroy` would then delete every object. CloudFormation
    itself remembers imports: it refuses an update that drops an export in use, from every machine and every tool.
    To make the bucket deletable, somebody has to turn off this stack's termination protection and delete it, by hand.
    Nothing stands in the way of a change from false to true.
    """

    def __init__(self, scope: Construct, settings: Settings) -> None:
        name = settings.stack_name("Retention")
        super().__init__(scope, name, env=cdk.Environment(region=settings.region), termination_protection=True)
        ssm.StringParameter(
            self,
            "RetainedBucket",
            description=f"Data bucket of stage {settings.stage}, retained as long as this stack exists",
            string_value=cdk.Fn.import_value(retained_export(settings)),
        )
