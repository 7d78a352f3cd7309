"""Every wildcard in every policy, with its reason: a new one fails here until somebody writes down why."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from aws_cdk.assertions import Template

from .conftest import Synth

OBJECTS = "SageMaker names the objects below these prefixes"
LOGS = "SageMaker names log groups by kind of job and streams by job"
OWN_LOG = "the streams of the function's own log group, which Lambda names"
EMPTIED = "CDK's emptying of a removable bucket"
JOB_LOGS = "arn:<Partition>:logs:us-east-1:<AccountId>:log-group:/aws/sagemaker/*"

UPLOADS = "arn:<Partition>:s3:::<Pneumonia-dev-Storage:DataBucketName>/uploads/*"
BUCKETS = ("Data", "LogBucket")

GATEWAY_LOGS = "arn:<Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"

ALWAYS = {
    ("managed policy", GATEWAY_LOGS): "AWS's own, for API Gateway to write access logs by",
    ("s3:GetObject", "<Data>/datasets/*"): OBJECTS,
    ("s3:GetObject", "<Data>/transform-input/*"): OBJECTS,
    ("s3:GetObject", "<Data>/training/*"): OBJECTS,
    ("s3:GetObject", "<Data>/checkpoints/*"): OBJECTS,
    ("s3:PutObject", "<Data>/training/*"): OBJECTS,
    ("s3:PutObject", "<Data>/transform/*"): OBJECTS,
    ("s3:PutObject", "<Data>/checkpoints/*"): OBJECTS,
    ("logs:CreateLogGroup", JOB_LOGS): LOGS,
    ("logs:CreateLogStream", JOB_LOGS): LOGS,
    ("logs:PutLogEvents", JOB_LOGS): LOGS,
    ("logs:DescribeLogStreams", JOB_LOGS): LOGS,
    ("cloudwatch:PutMetricData", "*"): "knows no resources; a condition binds it to SageMaker's namespaces",
    ("ecr:GetAuthorizationToken", "*"): "knows no resources",
    ("logs:CreateLogStream", "<ProxyLogs>:*"): OWN_LOG,
    ("logs:PutLogEvents", "<ProxyLogs>:*"): OWN_LOG,
    ("s3:GetObject", UPLOADS): "each upload has a random name",
    ("s3:PutObject", UPLOADS): "each upload has a random name",
    ("s3:PutObject", "<LogBucket>/data/*"): "S3 names its access logs; only its logging service may, for this account",
    **{("Deny s3:*", f"<{name}>{end}"): "the denial of plain HTTP" for name in BUCKETS for end in ("", "/*")},
}
LEASED = {("Deny sqs:*", "<LeaseFailures>"): "the denial of plain HTTP"}
SCALED = {
    (
        "application-autoscaling:DeregisterScalableTarget",
        "arn:<Partition>:application-autoscaling:us-east-1:<AccountId>:scalable-target/*",
    ): "targets have random ids; conditions bind the grant to endpoints",
}
ALARMS = {("cloudwatch:DescribeAlarms", "*"): "knows no resources"}
CAPTURE = {("s3:PutObject", "<Data>/capture/*"): OBJECTS}
VPC = {
    (f"ec2:{action}", "*"): "network interfaces get their names when they are made"
    for action in (
        "CreateNetworkInterface", "CreateNetworkInterfacePermission", "DeleteNetworkInterface",
        "DeleteNetworkInterfacePermission", "DescribeDhcpOptions", "DescribeNetworkInterfaces",
        "DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs",
    )
}  # fmt: skip
WHERE_DATA_GO_WITH_THE_STACK = {
    **{
        (action, f"<{name}>{end}"): f"{EMPTIED}: {what}"
        for name in BUCKETS
        for end in ("", "/*")
        for action, what in (
            ("s3:DeleteObject*", "objects and their versions"),
            ("s3:GetBucket*", "reads its tags"),
            ("s3:List*", "lists objects and versions"),
        )
    },
    **{("s3:PutBucketPolicy", f"<{name}>/*"): f"{EMPTIED}: stops new objects meanwhile" for name in BUCKETS},
    ("managed policy", "arn:<Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"): (
        f"{EMPTIED}: its function's log"
    ),
}
VPC_SETTINGS = {"vpc_subnets": "subnet-0123456789abcdef0", "vpc_security_groups": "sg-0123456789abcdef0"}
VARIANTS = [
    ({}, ALWAYS | LEASED | ALARMS | WHERE_DATA_GO_WITH_THE_STACK),
    ({"retain_data": "true", "lease_hours": "0"}, ALWAYS | ALARMS),
    ({"hosting": "serverless"}, ALWAYS | LEASED | WHERE_DATA_GO_WITH_THE_STACK),
    ({"retain_data": "true", "autoscaling_max_instances": "4"}, ALWAYS | LEASED | SCALED | ALARMS),
    ({"retain_data": "true", "data_capture_percent": "5"} | VPC_SETTINGS, ALWAYS | LEASED | ALARMS | CAPTURE | VPC),
]

Grant = tuple[str, str]


@pytest.mark.parametrize(
    ("changes", "reasons"), VARIANTS, ids=["default", "retained", "serverless", "scaled", "captured in a VPC"]
)
def test_every_wildcard_has_a_reason_and_every_reason_its_wildcard(
    synth: Synth, changes: dict[str, str], reasons: dict[Grant, str]
) -> None:
    found = {grant for template in synth(**changes).values() for grant in wildcards(template)}
    assert found == set(reasons)


def test_no_statement_allows_every_action_of_a_service(templates: dict[str, Template]) -> None:
    for template in templates.values():
        for statement in statements(template):
            if statement["Effect"] == "Allow":
                assert not [action for action in as_list(statement["Action"]) if action.endswith(":*") or action == "*"]


def wildcards(template: Template) -> Iterator[Grant]:
    """Yield action and resource of each grant in which either holds a wildcard, and each managed policy."""
    for statement in statements(template):
        deny = "Deny " if statement["Effect"] == "Deny" else ""
        for action in as_list(statement["Action"]):
            for target in map(text, as_list(statement.get("Resource", []))):
                if "*" in action or "*" in target:
                    yield deny + action, target
    for role in template.find_resources("AWS::IAM::Role").values():
        for policy in role["Properties"].get("ManagedPolicyArns", []):
            yield "managed policy", text(policy)


def statements(template: Template) -> list[dict[str, Any]]:
    """Return each statement of each policy document, wherever in the template it lies."""
    return list(statements_in(template.to_json()["Resources"]))


def statements_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "Statement" in value:
            yield from value["Statement"]
        for item in value.values():
            yield from statements_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from statements_in(item)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def text(value: Any) -> str:
    """Return an ARN with <names> in the place of references."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        return "".join(map(text, argument[1]))
    if function == "Fn::Sub":
        return re.sub(r"\$\{AWS::(\w+)\}", r"<\1>", argument)
    if function == "Fn::ImportValue":
        return f"<{argument}>"
    name = re.sub(r"[0-9A-F]{8}$", "", argument if function == "Ref" else argument[0]).removeprefix("AWS::")
    # The Arn attribute of a log group ends with ":*" (CloudFormation, AWS::Logs::LogGroup, return values).
    return f"<{name}>:*" if function == "Fn::GetAtt" and name.endswith("Logs") else f"<{name}>"
