"""What training, transform and hosting act as: their prefixes, their logs, their image, and nothing else."""

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

READ = ("datasets", "training", "checkpoints", "transform-input")
WRITTEN = ("training", "transform", "checkpoints")
"""Prefixes of the bucket that the role may read, and may write."""

Statement = tuple[str, list[str], list[str], dict[str, Any]]


def execution_role(scope: Construct, settings: Settings, bucket: s3.Bucket, key: kms.Key | None) -> iam.Role:
    """Return the role; infra's tests list every statement and every wildcard in it with its reason."""
    role = iam.Role(scope, "Execution", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    granted = [*data(settings, bucket), *running(settings)]
    if settings.realtime and settings.rollback_wait_minutes:
        # SageMaker looks at the alarms of a blue/green update with this role (developer guide, auto-rollback).
        granted.append(("LookAtAlarms", ["cloudwatch:DescribeAlarms"], ["*"], {}))
    if key is not None:
        actions = ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey", "kms:CreateGrant"]
        granted.append(("UseTheKey", actions, [key.key_arn], {}))
    if settings.vpc_subnets:
        granted.append(("JoinTheVpc", NETWORK, ["*"], {}))
    for sid, actions, resources, conditions in granted:
        role.add_to_policy(iam.PolicyStatement(sid=sid, actions=actions, resources=resources, conditions=conditions))
    acknowledge_wildcards(role, settings, bucket)
    return role


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


def written(settings: Settings) -> tuple[str, ...]:
    """Return the prefixes that the role may write."""
    return (*WRITTEN, CAPTURE) if settings.data_capture_percent else WRITTEN


def data(settings: Settings, bucket: s3.Bucket) -> list[Statement]:
    """Return the statements on the bucket."""
    arn = bucket.bucket_arn
    return [
        ("ListTheBucket", ["s3:ListBucket"], [arn], {}),
        ("ReadInputs", ["s3:GetObject"], [f"{arn}/{part}/*" for part in READ], {}),
        ("WriteOutputs", ["s3:PutObject"], [f"{arn}/{part}/*" for part in written(settings)], {}),
    ]


def running(settings: Settings) -> list[Statement]:
    """Return the statements that any job or endpoint needs to run and to be watched."""
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
            "PullTheAlgorithm",
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            [image_uris.repository_arn(settings.region)],
            {},
        ),
        ("SignInToEcr", ["ecr:GetAuthorizationToken"], ["*"], {}),
    ]


def acknowledge_wildcards(role: iam.Role, settings: Settings, bucket: s3.Bucket) -> None:
    """Give the reason for each wildcard in the role's policy."""
    bucket_id = cdk.Stack.of(role).get_logical_id(cast(s3.CfnBucket, bucket.node.default_child))
    objects = "SageMaker names the objects below these prefixes; no other prefix of the bucket is open."
    for part in sorted({*READ, *written(settings)}):
        acknowledge(role, f"AwsSolutions-IAM5[Resource::<{bucket_id}.Arn>/{part}/*]", objects)
    logs = f"arn:<AWS::Partition>:logs:{settings.region}:<AWS::AccountId>:log-group:/aws/sagemaker/*"
    acknowledge(role, f"AwsSolutions-IAM5[Resource::{logs}]", "SageMaker names log groups and streams by job.")
    acknowledge(
        role,
        "AwsSolutions-IAM5[Resource::*]",
        "cloudwatch:PutMetricData, cloudwatch:DescribeAlarms, ecr:GetAuthorizationToken and a VPC's network interfaces "
        "know no resources; the first is bound to SageMaker's namespaces by a condition.",
    )
