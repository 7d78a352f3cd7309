"""Every wildcard in every policy, with its reason: a new one fails here until somebody writes down why."""

from typing import Any

from aws_cdk.assertions import Template

BUCKET = "the data bucket, below one prefix: SageMaker names the objects"
REASONS = {
    ("Storage", "s3:GetObject", "/datasets/*"): BUCKET,
    ("Storage", "s3:GetObject", "/training/*"): BUCKET,
    ("Storage", "s3:GetObject", "/checkpoints/*"): BUCKET,
    ("Storage", "s3:PutObject", "/training/*"): BUCKET,
    ("Storage", "s3:PutObject", "/transform/*"): BUCKET,
    ("Storage", "s3:PutObject", "/checkpoints/*"): BUCKET,
    ("Storage", "logs:CreateLogGroup", "log-group:/aws/sagemaker/*"): "SageMaker names groups by kind of job",
    ("Storage", "logs:CreateLogStream", "log-group:/aws/sagemaker/*"): "SageMaker names streams by job",
    ("Storage", "logs:PutLogEvents", "log-group:/aws/sagemaker/*"): "SageMaker names streams by job",
    ("Storage", "logs:DescribeLogStreams", "log-group:/aws/sagemaker/*"): "SageMaker names streams by job",
    ("Storage", "cloudwatch:PutMetricData", "*"): "knows no resources; bound to namespaces by a condition",
    ("Storage", "ecr:GetAuthorizationToken", "*"): "knows no resources",
    ("Storage", "s3:*", ""): "the denial of plain HTTP",
    ("Storage", "s3:*", "/*"): "the denial of plain HTTP",
    ("Storage", "s3:DeleteObject*", ""): "CDK's emptying of a removable bucket",
    ("Storage", "s3:DeleteObject*", "/*"): "CDK's emptying of a removable bucket: objects and their versions",
    ("Storage", "s3:GetBucket*", ""): "CDK's emptying of a removable bucket: reads its tags",
    ("Storage", "s3:GetBucket*", "/*"): "CDK's emptying of a removable bucket",
    ("Storage", "s3:List*", ""): "CDK's emptying of a removable bucket: lists objects and versions",
    ("Storage", "s3:List*", "/*"): "CDK's emptying of a removable bucket",
    ("Storage", "s3:PutBucketPolicy", "/*"): "CDK's emptying of a removable bucket: stops new objects meanwhile",
}


def grants(part: str, template: Template) -> set[tuple[str, str, str]]:
    """Return (stack, action, resource) of every statement where the action or the resource holds a wildcard."""
    found = set()
    for kind in ("AWS::IAM::Policy", "AWS::S3::BucketPolicy"):
        for resource in template.find_resources(kind).values():
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                for action in as_list(statement["Action"]):
                    for target in map(tail, as_list(statement["Resource"])):
                        if "*" in action or "*" in target:
                            found.add((part, action, target))
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def tail(resource: Any) -> str:
    """Return the literal end of a resource: "" for a reference alone, else what follows the last reference."""
    if isinstance(resource, str):
        return resource
    if "Fn::Join" not in resource:
        return ""
    last = resource["Fn::Join"][1][-1]
    return str(last).removeprefix(":") if isinstance(last, str) else ""


def test_every_wildcard_has_a_reason(templates: dict[str, Template]) -> None:
    found = set().union(*(grants(part, template) for part, template in templates.items()))
    assert found - set(REASONS) == set()


def test_every_reason_has_its_wildcard(templates: dict[str, Template]) -> None:
    found = set().union(*(grants(part, template) for part, template in templates.items()))
    assert set(REASONS) - found == set()


def test_no_policy_grants_every_action(templates: dict[str, Template]) -> None:
    for part, template in templates.items():
        for kind in ("AWS::IAM::Policy", "AWS::IAM::Role", "AWS::S3::BucketPolicy"):
            for statement in statements(template, kind):
                if statement["Effect"] == "Allow":
                    assert "*" not in as_list(statement["Action"]), part


def statements(template: Template, kind: str) -> list[dict[str, Any]]:
    found = []
    for resource in template.find_resources(kind).values():
        properties = resource["Properties"]
        documents = [properties.get("PolicyDocument"), properties.get("AssumeRolePolicyDocument")]
        found += [one for document in documents if document for one in document["Statement"]]
    return found
