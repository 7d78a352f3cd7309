"""The Model Registry over HTTP: groups, versions, approval, and what is refused."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config

from tests.localaws.sagemaker.builders import BUCKET, IMAGE, Cloud, refused, unique

ARN = "arn:aws:sagemaker:us-east-1:000000000000"
ARTIFACT = f"s3://{BUCKET}/open/models/1/model.tar.gz"
SPECIFICATION = {
    "Containers": [{"Image": IMAGE, "ModelDataUrl": ARTIFACT, "Environment": {"LEVEL": "1"}}],
    "SupportedContentTypes": ["application/x-image"],
    "SupportedResponseMIMETypes": ["application/json"],
}
METRICS = {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": f"s3://{BUCKET}/open/m.json"}}}


@pytest.fixture
def group(sagemaker: Any) -> str:
    """An empty group."""
    name = unique("group")
    sagemaker.create_model_package_group(ModelPackageGroupName=name, ModelPackageGroupDescription="For a test.")
    return name


def create(sagemaker: Any, group: str, **changes: Any) -> str:
    """Create a version and return its ARN."""
    request = {"ModelPackageGroupName": group, "InferenceSpecification": SPECIFICATION} | changes
    return str(sagemaker.create_model_package(**request)["ModelPackageArn"])


def versions(sagemaker: Any, group: str, **options: Any) -> list[int]:
    summaries = sagemaker.list_model_packages(ModelPackageGroupName=group, **options)["ModelPackageSummaryList"]
    return [summary["ModelPackageVersion"] for summary in summaries]


def test_a_version_is_described_as_it_was_created_and_waits_for_approval(sagemaker: Any, group: str) -> None:
    arn = create(
        sagemaker, group, ModelMetrics=METRICS, CustomerMetadataProperties={"dataset": "images/0123"},
        ModelPackageDescription="The first; 95 % sensitivity.",
    )  # fmt: skip
    assert arn == f"{ARN}:model-package/{group}/1"
    for name in (arn, f"{group}/1"):
        package = sagemaker.describe_model_package(ModelPackageName=name)
        assert package["InferenceSpecification"] == SPECIFICATION
        assert package["ModelMetrics"] == METRICS
        assert package["CustomerMetadataProperties"] == {"dataset": "images/0123"}
        assert (package["ModelPackageGroupName"], package["ModelPackageVersion"]) == (group, 1)
        assert (package["ModelPackageStatus"], package["ModelApprovalStatus"]) == ("Completed", "PendingManualApproval")
        assert "ModelPackageName" not in package


def test_the_number_of_a_deleted_version_is_never_given_again(sagemaker: Any, group: str) -> None:
    arns = [create(sagemaker, group) for _ in range(3)]
    sagemaker.delete_model_package(ModelPackageName=arns[2])
    assert create(sagemaker, group) == f"{ARN}:model-package/{group}/4"
    assert versions(sagemaker, group) == [1, 2, 4]


def test_versions_that_are_created_at_once_get_different_numbers_and_a_repeated_token_creates_none(
    sagemaker: Any, group: str
) -> None:
    with ThreadPoolExecutor(8) as threads:
        arns = list(threads.map(lambda _: create(sagemaker, group), range(8)))
    assert sorted(int(arn.rpartition("/")[2]) for arn in arns) == list(range(1, 9))
    assert len({create(sagemaker, group, ClientToken="once") for _ in range(2)}) == 1


def test_only_approval_and_metadata_change_and_the_rest_stays(sagemaker: Any, group: str) -> None:
    arn = create(sagemaker, group, CustomerMetadataProperties={"a": "1", "b": "2"})
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Rejected", ApprovalDescription="too few images",
        CustomerMetadataProperties={"c": "3"}, CustomerMetadataPropertiesToRemove=["a"],
    )  # fmt: skip
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    assert (package["ModelApprovalStatus"], package["ApprovalDescription"]) == ("Rejected", "too few images")
    assert package["CustomerMetadataProperties"] == {"b": "2", "c": "3"}
    assert package["InferenceSpecification"] == SPECIFICATION
    assert package["LastModifiedTime"] > package["CreationTime"]
    code, message = refused(
        sagemaker.update_model_package,
        ModelPackageArn=arn,
        CustomerMetadataProperties={str(number): "x" for number in range(49)},
    )
    assert (code, "50" in message, "51" in message) == ("ValidationException", True, True)


def test_versions_are_listed_oldest_first_by_approval_and_in_pages(sagemaker: Any, group: str) -> None:
    for status in ("Approved", "Rejected", "Approved"):
        create(sagemaker, group, ModelApprovalStatus=status)
    assert versions(sagemaker, group) == [1, 2, 3]
    assert versions(sagemaker, group, SortOrder="Descending") == [3, 2, 1]
    assert versions(sagemaker, group, ModelApprovalStatus="Approved") == [1, 3]
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, PaginationConfig={"PageSize": 2}
    )
    assert [len(page["ModelPackageSummaryList"]) for page in pages] == [2, 1]
    listed = sagemaker.list_model_packages(NameContains=group)["ModelPackageSummaryList"]
    assert listed == []  # the default of ModelPackageType is Unversioned
    listed = sagemaker.list_model_packages(NameContains=group, ModelPackageType="Versioned")["ModelPackageSummaryList"]
    assert len(listed) == 3


def test_a_group_is_listed_and_deleted_only_without_versions(sagemaker: Any, group: str) -> None:
    arn = create(sagemaker, group)
    (listed,) = sagemaker.list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
    assert listed["ModelPackageGroupArn"] == f"{ARN}:model-package-group/{group}"
    code, message = refused(sagemaker.delete_model_package_group, ModelPackageGroupName=group)
    assert (code, "still contains Model Packages" in message, group in message) == ("ConflictException", True, True)
    sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName=f"{ARN}:model-package-group/{group}")
    assert refused(sagemaker.describe_model_package_group, ModelPackageGroupName=group) == (
        "ValidationException", f"ModelPackageGroup {ARN}:model-package-group/{group} does not exist.",
    )  # fmt: skip
    assert refused(sagemaker.describe_model_package, ModelPackageName=arn) == (
        "ValidationException", f"ModelPackage {arn} does not exist.",
    )  # fmt: skip


def test_a_version_that_cannot_be_is_refused_in_awss_words(cloud: Cloud, sagemaker: Any, group: str) -> None:
    tag = [{"Key": "project", "Value": "pneumonia"}]
    for changes, expected in (
        ({"ModelPackageName": "a", "ModelPackageGroupName": group}, "Cannot determine which one to use"),
        ({}, "Missing ARN."),
        ({"ModelPackageGroupName": group, "Tags": tag}, "Please add them to the Model Package Group"),
        ({"ModelPackageGroupName": "none"}, f"ModelPackageGroup {ARN}:model-package-group/none does not exist."),
        ({"ModelPackageGroupName": group, "CustomerMetadataProperties": {"a": "95 %"}}, "'{'a': '95 %'}'"),
        ({"ModelPackageGroupName": group, "ModelApprovalStatus": "Yes"}, "[Approved, Rejected, PendingManualApproval]"),
        ({"ModelPackageGroupName": group, "InferenceSpecification": {}}, "'inferenceSpecification.containers'"),
    ):
        unchecked = cloud.session().client(
            "sagemaker", endpoint_url=f"http://localhost:{cloud.port}", config=Config(parameter_validation=False)
        )
        code, message = refused(unchecked.create_model_package, **changes)
        assert (code, expected in message) == ("ValidationException", True), message
    assert refused(sagemaker.create_model_package_group, ModelPackageGroupName=group)[1].startswith(
        "Model Package Group already exists"
    )
    assert versions(sagemaker, group) == []


def test_groups_have_tags_and_versions_have_none(sagemaker: Any) -> None:
    name, tags = unique("group"), [{"Key": "stage", "Value": "dev"}]
    arn = sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=tags)["ModelPackageGroupArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    version = create(sagemaker, name)
    assert "Model Package Group" in refused(sagemaker.add_tags, ResourceArn=version, Tags=tags)[1]


def test_a_user_changes_only_the_versions_that_a_policy_names(cloud: Cloud, sagemaker: Any, group: str) -> None:
    version = create(sagemaker, group)
    other_group = unique("group")
    sagemaker.create_model_package_group(ModelPackageGroupName=other_group)
    iam, user = cloud.client("iam"), unique("user")
    iam.create_user(UserName=user)
    allowed = ["sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage", "sagemaker:DescribeModelPackage"]
    statement = {"Effect": "Allow", "Action": allowed, "Resource": f"{ARN}:model-package/{group}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    client = cloud.client_of(cloud.session(key["AccessKeyId"], key["SecretAccessKey"]), "sagemaker")
    client.update_model_package(ModelPackageArn=version, ModelApprovalStatus="Approved")
    create(client, group)
    for call, request in (
        (client.create_model_package, {"ModelPackageGroupName": other_group}),
        (client.delete_model_package, {"ModelPackageName": version}),
        (client.delete_model_package_group, {"ModelPackageGroupName": group}),
        (client.list_model_packages, {"ModelPackageGroupName": group}),
    ):
        assert refused(call, **request)[0] == "AccessDeniedException"
    elsewhere = version.replace("000000000000", "111111111111")
    assert refused(sagemaker.describe_model_package, ModelPackageName=elsewhere)[0] == "AccessDeniedException"
