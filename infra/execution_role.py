"""The role of training, transform and hosting. It can use only their S3 prefixes, logs and container images."""

from collections.abc import Iterable
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra import image_uris
from infra.endpoint import CAPTURE
from infra.nag import acknowledge
from infra.settings import Settings

READ = ("datasets", "training", "checkpoints", "transform-input", "code")
WRITE = ("training", "transform", "checkpoints")
"""Prefixes of the bucket that the role can read, and those that it can write."""

Statement = tuple[str, list[str], list[str], dict[str, Any]]


def execution_role(scope: Construct, settings: Settings, bucket: s3.Bucket, key: kms.Key | None) -> iam.Role:
    """Return the role. The tests list each of its grants, and a reason for each wildcard."""
    role = iam.Role(scope, "Execution", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    statements = [*data_statements(bucket, READ, write_prefixes(settings)), *job_statements(settings)]
    if settings.realtime and settings.rollback_wait_minutes:
        # SageMaker reads the alarms of a blue/green update with this role (developer guide, auto-rollback).
        statements.append(("LookAtAlarms", ["cloudwatch:DescribeAlarms"], ["*"], {}))
    if settings.vpc_subnets:
        statements.append(("JoinTheVpc", NETWORK, ["*"], {}))
    add_statements(role, statements, key)
    acknowledge_wildcards(role, settings, bucket, {*READ, *write_prefixes(settings)})
    return role


def add_statements(role: iam.Role, statements: list[Statement], key: kms.Key | None) -> None:
    """Give a role the statements, and the use of the key if there is one."""
    if key is not None:
        actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant"]
        statements.append(("UseTheKey", actions, [key.key_arn], {}))
    for sid, actions, resources, conditions in statements:
        role.add_to_policy(iam.PolicyStatement(sid=sid, actions=actions, resources=resources, conditions=conditions))


NETWORK = [
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
]
"""What SageMaker needs to put instances into a VPC (developer guide, "Give SageMaker AI hosted endpoints access")."""


def write_prefixes(settings: Settings) -> tuple[str, ...]:
    """Return the prefixes that the role can write."""
    return (*WRITE, CAPTURE) if settings.data_capture_percent else WRITE


def data_statements(bucket: s3.Bucket, read: Iterable[str], write: Iterable[str]) -> list[Statement]:
    """Return the statements on the bucket, with the prefixes to read and to write."""
    arn = bucket.bucket_arn
    return [
        ("ListTheBucket", ["s3:ListBucket"], [arn], {}),
        ("ReadInputs", ["s3:GetObject"], [f"{arn}/{part}/*" for part in read], {}),
        ("WriteOutputs", ["s3:PutObject"], [f"{arn}/{part}/*" for part in write], {}),
    ]


def job_statements(settings: Settings) -> list[Statement]:
    """Return the statements that every job and endpoint needs: logs, metrics, and the algorithms' images."""
    logs = f"arn:{cdk.Aws.PARTITION}:logs:{settings.region}:{cdk.Aws.ACCOUNT_ID}:log-group:/aws/sagemaker/*"
    return [
        (
            "WriteLogs",
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            [logs],
            {},
        ),
        (
            "WriteMetrics",
            ["cloudwatch:PutMetricData"],
            ["*"],
            {"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*"]}},
        ),
        (
            "PullTheAlgorithms",
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            image_uris.repository_arns(settings.region),
            {},
        ),
        ("SignInToEcr", ["ecr:GetAuthorizationToken"], ["*"], {}),
    ]


def acknowledge_wildcards(role: iam.Role, settings: Settings, bucket: s3.Bucket, prefixes: Iterable[str]) -> None:
    """Give the reason for each wildcard in the role's policy."""
    bucket_id = cdk.Stack.of(role).get_logical_id(cast(s3.CfnBucket, bucket.node.default_child))
    objects = "SageMaker or a hash names the objects below these prefixes. The role has no access to other prefixes."
    for part in sorted(prefixes):
        acknowledge(role, f"AwsSolutions-IAM5[Resource::<{bucket_id}.Arn>/{part}/*]", objects)
    logs = f"arn:<AWS::Partition>:logs:{settings.region}:<AWS::AccountId>:log-group:/aws/sagemaker/*"
    acknowledge(role, f"AwsSolutions-IAM5[Resource::{logs}]", "SageMaker names log groups and streams by job.")
    acknowledge(
        role,
        "AwsSolutions-IAM5[Resource::*]",
        "cloudwatch:PutMetricData, cloudwatch:DescribeAlarms, ecr:GetAuthorizationToken and the actions on network "
        "interfaces do not support resources. A condition limits the first to SageMaker's namespaces.",
    )
