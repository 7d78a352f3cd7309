"""The data bucket, and the role that training, transform and hosting act as."""

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra import image_uris
from infra.nag import acknowledge
from infra.settings import Settings

TRANSFORM_DAYS = 30
OLD_VERSION_DAYS = 30
ABANDONED_UPLOAD_DAYS = 7

READ = ("datasets", "training", "checkpoints", "transform-input")
WRITTEN = ("training", "transform", "checkpoints")
"""Prefixes of the bucket that the execution role may read, and may write."""


def execution_role_export(settings: Settings) -> str:
    """Return the name under which the storage stack exports the execution role's ARN.

    A named export is there from the first deployment on, so that deploying the endpoint later leaves this stack as
    it is; a construct reference would add its export only once something consumes it.
    """
    return f"{settings.stack_name('Storage')}:ExecutionRoleArn"


class StorageStack(cdk.Stack):
    """One bucket for data sets, artifacts and transform output; one execution role for SageMaker.

    Attributes:
        bucket: the data bucket.
        execution_role: assumed by sagemaker.amazonaws.com only.
    """

    def __init__(self, scope: Construct, settings: Settings) -> None:
        name = settings.stack_name("Storage")
        super().__init__(
            scope, name, env=cdk.Environment(region=settings.region), termination_protection=settings.retain_data
        )
        self.bucket = self._bucket(settings)
        self.execution_role = self._execution_role(settings)
        cdk.CfnOutput(self, "DataBucketName", value=self.bucket.bucket_name)
        cdk.CfnOutput(
            self, "ExecutionRoleArn", value=self.execution_role.role_arn, export_name=execution_role_export(settings)
        )

    def _bucket(self, settings: Settings) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Data",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=settings.retain_data,
            lifecycle_rules=[
                s3.LifecycleRule(
                    prefix="transform/", expiration=cdk.Duration.days(TRANSFORM_DAYS), id="ExpireTransformOutput"
                ),
                s3.LifecycleRule(
                    prefix="transform-input/", expiration=cdk.Duration.days(1), id="ExpireFilmsSentForScoring"
                ),
                s3.LifecycleRule(
                    id="TidyUp",
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(ABANDONED_UPLOAD_DAYS),
                    noncurrent_version_expiration=cdk.Duration.days(OLD_VERSION_DAYS) if settings.retain_data else None,
                ),
            ],
            removal_policy=cdk.RemovalPolicy.RETAIN if settings.retain_data else cdk.RemovalPolicy.DESTROY,
            auto_delete_objects=not settings.retain_data,
        )
        acknowledge(
            bucket,
            "AwsSolutions-S1",
            "Access is by the execution role and the people who deploy, both of which CloudTrail records; a log bucket "
            "would hold film names for nobody to read.",
        )
        return bucket

    def _execution_role(self, settings: Settings) -> iam.Role:
        """Return the role; infra's tests list every statement and every wildcard in it with its reason."""
        role = iam.Role(self, "Execution", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
        arn = self.bucket.bucket_arn
        partition, account = cdk.Aws.PARTITION, cdk.Aws.ACCOUNT_ID
        statements = [
            ("ListTheBucket", ["s3:ListBucket"], [arn], {}),
            ("ReadInputs", ["s3:GetObject"], [f"{arn}/{part}/*" for part in READ], {}),
            ("WriteOutputs", ["s3:PutObject"], [f"{arn}/{part}/*" for part in WRITTEN], {}),
            (
                "WriteLogs",
                ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                [f"arn:{partition}:logs:{settings.region}:{account}:log-group:/aws/sagemaker/*"],
                {},
            ),
            (
                "WriteMetrics",
                ["cloudwatch:PutMetricData"],
                ["*"],
                {"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*"]}},
            ),
            (
                "PullTheAlgorithm",
                ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                [image_uris.repository_arn(settings.region)],
                {},
            ),
            ("SignInToEcr", ["ecr:GetAuthorizationToken"], ["*"], {}),
        ]
        for sid, actions, resources, conditions in statements:
            role.add_to_policy(
                iam.PolicyStatement(sid=sid, actions=actions, resources=resources, conditions=conditions)
            )
        bucket = cast(s3.CfnBucket, self.bucket.node.default_child)
        acknowledge_wildcards(role, settings, self.get_logical_id(bucket))
        return role


def acknowledge_wildcards(role: iam.Role, settings: Settings, bucket_id: str) -> None:
    """Give the reason for each wildcard in the execution role's policy."""
    objects = "SageMaker names the objects below these prefixes; no other prefix of the bucket is open."
    for part in sorted({*READ, *WRITTEN}):
        acknowledge(role, f"AwsSolutions-IAM5[Resource::<{bucket_id}.Arn>/{part}/*]", objects)
    logs = f"arn:<AWS::Partition>:logs:{settings.region}:<AWS::AccountId>:log-group:/aws/sagemaker/*"
    acknowledge(role, f"AwsSolutions-IAM5[Resource::{logs}]", "SageMaker names log groups and streams by job.")
    acknowledge(
        role,
        "AwsSolutions-IAM5[Resource::*]",
        "cloudwatch:PutMetricData and ecr:GetAuthorizationToken know no resources; the first is bound to SageMaker's "
        "namespaces by a condition.",
    )
