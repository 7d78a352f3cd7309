"""The data bucket, the bucket of its access logs, the optional KMS key, and the roles of jobs."""

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.endpoint import CAPTURE
from infra.execution_role import execution_role
from infra.exports import bucket_export, execution_role_export, key_export, retained_export, settings_output
from infra.nag import acknowledge
from infra.processing_role import processing_role
from infra.settings import Settings

EXPIRING_DAYS = {"transform/": 30, "transform-input/": 1, "processing/": 7, "uploads/": 1, f"{CAPTURE}/": 30}
"""Days until objects expire, by prefix."""
OLD_VERSION_DAYS = 30
ABANDONED_UPLOAD_DAYS = 7
ACCESS_LOG_DAYS = 90
NO_LOGS = "This bucket receives the access logs; logging access to it would create logs without end."


class StorageStack(cdk.Stack):
    """A bucket for data sets, artifacts and transform output, and the roles that SageMaker takes on.

    Attributes:
        bucket: the data bucket.
        execution_role: only SageMaker can assume it.
    """

    def __init__(self, scope: Construct, settings: Settings) -> None:
        name = settings.stack_name("Storage")
        super().__init__(
            scope, name, env=cdk.Environment(region=settings.region), termination_protection=settings.retain_data
        )
        self.settings = settings
        self.removal = cdk.RemovalPolicy.RETAIN if settings.retain_data else cdk.RemovalPolicy.DESTROY
        self.key = self._key() if settings.kms == "create" else None
        self.bucket = self._data_bucket(self._log_bucket())
        self.execution_role = execution_role(self, settings, self.bucket, self.key)
        cdk.CfnOutput(self, "DataBucketName", value=self.bucket.bucket_name, export_name=bucket_export(settings))
        cdk.CfnOutput(
            self, "ExecutionRoleArn", value=self.execution_role.role_arn, export_name=execution_role_export(settings)
        )
        role = processing_role(self, settings, self.bucket, self.key)
        cdk.CfnOutput(self, "ProcessingRoleArn", value=role.role_arn)
        if self.key is not None:
            cdk.CfnOutput(self, "DataKeyArn", value=self.key.key_arn, export_name=key_export(settings))
        if settings.retain_data:
            name = retained_export(settings)
            cdk.CfnOutput(self, "RetainedBucketName", value=self.bucket.bucket_name, export_name=name)
        settings_output(self, "Storage", settings)

    def _key(self) -> kms.Key:
        """Return the key. It is always retained, because the data it encrypted cannot be read without it."""
        return kms.Key(
            self,
            "Key",
            description=f"Data of the pneumonia classifier, stage {self.settings.stage}",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )

    def _log_bucket(self) -> s3.Bucket:
        """Return the bucket for server access logs, which S3 can encrypt with its own keys only."""
        bucket = s3.Bucket(
            self,
            "LogBucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[s3.LifecycleRule(id="Expire", expiration=cdk.Duration.days(ACCESS_LOG_DAYS))],
            removal_policy=self.removal,
            auto_delete_objects=not self.settings.retain_data,
        )
        acknowledge(bucket, "AwsSolutions-S1", NO_LOGS)
        skips = [
            ("CKV_AWS_18", NO_LOGS),
            ("CKV_AWS_21", "Log files are written once, so there are no older versions."),
        ]
        cast(s3.CfnBucket, bucket.node.default_child).add_metadata(
            "checkov", {"skip": [{"id": rule, "comment": reason} for rule, reason in skips]}
        )
        return bucket

    def _data_bucket(self, access_logs: s3.Bucket) -> s3.Bucket:
        expiring = [
            s3.LifecycleRule(
                id=f"Expire-{prefix.rstrip('/')}",
                prefix=prefix,
                expiration=cdk.Duration.days(days),
                noncurrent_version_expiration=cdk.Duration.days(1),
            )
            for prefix, days in EXPIRING_DAYS.items()
        ]
        tidy = s3.LifecycleRule(
            id="TidyUp",
            abort_incomplete_multipart_upload_after=cdk.Duration.days(ABANDONED_UPLOAD_DAYS),
            noncurrent_version_expiration=cdk.Duration.days(OLD_VERSION_DAYS),
            expired_object_delete_marker=True,
        )
        encryption = s3.BucketEncryption.S3_MANAGED if self.key is None else s3.BucketEncryption.KMS
        page_uploads = s3.CorsRule(
            allowed_methods=[s3.HttpMethods.PUT],
            allowed_origins=list(self.settings.cors_origins),
            allowed_headers=["Content-Type"],
        )
        return s3.Bucket(
            self,
            "Data",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            encryption=encryption,
            encryption_key=self.key,
            bucket_key_enabled=True if self.key else None,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=True,
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix="data/",
            lifecycle_rules=[*expiring, tidy],
            cors=[page_uploads] if self.settings.cors_origins else None,
            removal_policy=self.removal,
            auto_delete_objects=not self.settings.retain_data,
        )
