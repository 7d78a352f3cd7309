"""Every wildcard in every policy has a reason; a new wildcard fails until its reason is added."""

from collections.abc import Iterator

import pytest
from aws_cdk.assertions import Template

from .builders import Synth, arn_text, as_list, statements

OBJECTS = "SageMaker names the objects below these prefixes"
LOGS = "SageMaker names log groups by type of job and streams by job"
OWN_LOG = "the streams of the function's own log group, which Lambda names"
EMPTIED = "CDK empties a removable bucket"
JOB_LOGS = "arn:<Partition>:logs:us-east-1:<AccountId>:log-group:/aws/sagemaker/*"

UPLOADS = "arn:<Partition>:s3:::<Pneumonia-dev-Storage:DataBucketName>/uploads/*"
BUCKETS = ("Data", "LogBucket")

GATEWAY_LOGS = "arn:<Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"

ALWAYS = {
    ("s3:GetObject", "<Data>/datasets/*"): OBJECTS,
    ("s3:GetObject", "<Data>/transform-input/*"): OBJECTS,
    ("s3:GetObject", "<Data>/code/*"): "code and weights have a hash of their content in their names",
    ("s3:GetObject", "<Data>/training/*"): OBJECTS,
    ("s3:GetObject", "<Data>/checkpoints/*"): OBJECTS,
    ("s3:GetObject", "<Data>/processing/*"): OBJECTS,
    ("s3:PutObject", "<Data>/processing/*"): OBJECTS,
    ("s3:PutObject", "<Data>/datasets/*"): OBJECTS,
    ("s3:PutObject", "<Data>/training/*"): OBJECTS,
    ("s3:PutObject", "<Data>/transform/*"): OBJECTS,
    ("s3:PutObject", "<Data>/checkpoints/*"): OBJECTS,
    ("logs:CreateLogGroup", JOB_LOGS): LOGS,
    ("logs:CreateLogStream", JOB_LOGS): LOGS,
    ("logs:PutLogEvents", JOB_LOGS): LOGS,
    ("logs:DescribeLogStreams", JOB_LOGS): LOGS,
    ("cloudwatch:PutMetricData", "*"): "does not support resources; a condition limits it to SageMaker's namespaces",
    ("ecr:GetAuthorizationToken", "*"): "does not support resources",
    ("logs:CreateLogStream", "<ProxyLogs>:*"): OWN_LOG,
    ("logs:PutLogEvents", "<ProxyLogs>:*"): OWN_LOG,
    ("s3:GetObject", UPLOADS): "each upload has a random name",
    ("s3:PutObject", UPLOADS): "each upload has a random name",
    (
        "s3:PutObject",
        "<LogBucket>/data/*",
    ): "S3 names its access logs; only its logging service can write, for this account",
    **{("Deny s3:*", f"<{name}>{end}"): "the denial of plain HTTP" for name in BUCKETS for end in ("", "/*")},
}
LOG_ROLE = {("managed policy", GATEWAY_LOGS): "AWS's policy for API Gateway to write access logs"}
LEASED = {("Deny sqs:*", "<LeaseFailures>"): "the denial of plain HTTP"}
SCALED = {
    (
        "application-autoscaling:DeregisterScalableTarget",
        "arn:<Partition>:application-autoscaling:us-east-1:<AccountId>:scalable-target/*",
    ): "targets have random ids; conditions limit the grant to endpoints",
}
ALARMS = {("cloudwatch:DescribeAlarms", "*"): "does not support resources"}
CAPTURE = {("s3:PutObject", "<Data>/capture/*"): OBJECTS}
VPC = {
    (f"ec2:{action}", "*"): "the ids of network interfaces are known after their creation"
    for action in (
        "CreateNetworkInterface", "CreateNetworkInterfacePermission", "DeleteNetworkInterface",
        "DeleteNetworkInterfacePermission", "DescribeDhcpOptions", "DescribeNetworkInterfaces",
        "DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs",
    )
}  # fmt: skip
REMOVABLE = {
    **{
        (action, f"<{name}>{end}"): f"{EMPTIED}: {purpose}"
        for name in BUCKETS
        for end in ("", "/*")
        for action, purpose in (
            ("s3:DeleteObject*", "delete objects and versions"),
            ("s3:GetBucket*", "read its tags"),
            ("s3:List*", "list objects and versions"),
        )
    },
    **{("s3:PutBucketPolicy", f"<{name}>/*"): f"{EMPTIED}: stop new objects meanwhile" for name in BUCKETS},
    ("managed policy", "arn:<Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"): (
        f"{EMPTIED}: the log of its function"
    ),
}
SOURCES = {("s3:GetObject", "arn:<Partition>:s3:::hospital-films/*"): "a source is a whole bucket"}
VPC_SETTINGS = {
    "vpc_subnets": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    "vpc_security_groups": "sg-0123456789abcdef0",
}
VARIANTS = [
    ({}, ALWAYS | LEASED | ALARMS | REMOVABLE | LOG_ROLE),
    ({"retain_data": "true", "lease_hours": "0", "manage_api_gateway_log_role": "false"}, ALWAYS | ALARMS),
    ({"hosting": "serverless", "source_buckets": "hospital-films"}, ALWAYS | SOURCES | LEASED | REMOVABLE | LOG_ROLE),
    ({"hosting": "function"}, ALWAYS | REMOVABLE | LOG_ROLE),
    ({"retain_data": "true", "autoscaling_max_instances": "4"}, ALWAYS | LEASED | SCALED | ALARMS | LOG_ROLE),
    (
        {"retain_data": "true", "data_capture_percent": "5"} | VPC_SETTINGS,
        ALWAYS | LEASED | ALARMS | CAPTURE | VPC | LOG_ROLE,
    ),
]

Grant = tuple[str, str]


@pytest.mark.parametrize(
    ("changes", "reasons"),
    VARIANTS,
    ids=["default", "retained", "serverless with a source", "function", "scaled", "captured in a VPC"],
)
def test_every_wildcard_has_a_reason_and_every_reason_its_wildcard(
    synth: Synth, changes: dict[str, str], reasons: dict[Grant, str]
) -> None:
    grants = {grant for template in synth(**changes).values() for grant in wildcards(template)}
    assert grants == set(reasons)


def test_no_statement_allows_every_action_of_a_service(templates: dict[str, Template]) -> None:
    for template in templates.values():
        for statement in statements(template):
            if statement["Effect"] == "Allow":
                assert not [action for action in as_list(statement["Action"]) if action.endswith(":*") or action == "*"]


def wildcards(template: Template) -> Iterator[Grant]:
    """Yield action and resource of each grant with a wildcard in either, and each managed policy."""
    for statement in statements(template):
        deny = "Deny " if statement["Effect"] == "Deny" else ""
        for action in as_list(statement["Action"]):
            for target in map(arn_text, as_list(statement.get("Resource", []))):
                if "*" in action or "*" in target:
                    yield deny + action, target
    for role in template.find_resources("AWS::IAM::Role").values():
        for policy in role["Properties"].get("ManagedPolicyArns", []):
            yield "managed policy", arn_text(policy)
