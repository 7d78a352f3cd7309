"""The role of the processing jobs that prepare a data set: it reads the source, and writes data sets."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.execution_role import acknowledge_wildcards, add_statements, data_statements, job_statements
from infra.nag import acknowledge
from infra.settings import Settings

READ = ("processing", "code")
WRITE = ("processing", "datasets")
"""Prefixes of the bucket that the role can read, and those that it can write."""
SOURCES = "A source is a whole bucket, whose name is in the setting source_buckets."


def processing_role(scope: Construct, settings: Settings, bucket: s3.Bucket, key: kms.Key | None) -> iam.Role:
    """Return the role. The tests list each of its grants, and a reason for each wildcard."""
    role = iam.Role(scope, "Processing", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    statements = [*data_statements(bucket, READ, WRITE), *job_statements(settings)]
    if settings.source_buckets:
        arns = [f"arn:{cdk.Aws.PARTITION}:s3:::{name}" for name in settings.source_buckets]
        statements.append(("ListSources", ["s3:ListBucket"], arns, {}))
        statements.append(("ReadSources", ["s3:GetObject"], [f"{arn}/*" for arn in arns], {}))
    add_statements(role, statements, key)
    acknowledge_wildcards(role, settings, bucket, {*READ, *WRITE})
    for name in settings.source_buckets:
        acknowledge(role, f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{name}/*]", SOURCES)
    return role
