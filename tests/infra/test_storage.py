"""The data bucket and the execution role."""

from typing import Any

from aws_cdk.assertions import Template

from .conftest import Synth, properties, resources


def bucket(template: Template) -> dict[str, Any]:
    (found,) = resources(template, "AWS::S3::Bucket")
    return found


def test_the_bucket_answers_over_tls_only(storage: Template) -> None:
    (policy,) = properties(storage, "AWS::S3::BucketPolicy")
    (denial,) = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Deny"]
    assert denial["Action"] == "s3:*"
    assert denial["Principal"] == {"AWS": "*"}
    assert denial["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(denial["Resource"]) == 2


def test_the_bucket_is_private_and_encrypted(storage: Template) -> None:
    found = bucket(storage)["Properties"]
    assert set(found["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = found["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert found["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_a_removable_stage_deletes_its_bucket_and_the_objects(storage: Template) -> None:
    assert bucket(storage)["DeletionPolicy"] == "Delete"
    storage.resource_count_is("Custom::S3AutoDeleteObjects", 1)


def test_a_retained_stage_keeps_bucket_versions_and_stack(synth: Synth) -> None:
    kept = synth(retain_data="true")["Storage"]
    assert bucket(kept)["DeletionPolicy"] == "Retain"
    assert bucket(kept)["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    kept.resource_count_is("Custom::S3AutoDeleteObjects", 0)


def test_transform_output_and_abandoned_uploads_expire(storage: Template) -> None:
    rules = {rule["Id"]: rule for rule in bucket(storage)["Properties"]["LifecycleConfiguration"]["Rules"]}
    assert rules["ExpireTransformOutput"]["Prefix"] == "transform/"
    assert rules["ExpireTransformOutput"]["ExpirationInDays"] == 30
    assert rules["TidyUp"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_only_sagemaker_takes_the_execution_role(storage: Template) -> None:
    (role,) = [
        one for one in properties(storage, "AWS::IAM::Role") if "Policies" not in one and "ManagedPolicyArns" not in one
    ]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"


def test_the_execution_role_writes_no_data_set(storage: Template) -> None:
    (policy,) = properties(storage, "AWS::IAM::Policy")
    (write,) = [one for one in policy["PolicyDocument"]["Statement"] if one["Action"] == "s3:PutObject"]
    assert not [one for one in write["Resource"] if "datasets" in str(one)]


def test_metrics_go_to_sagemakers_namespaces_only(storage: Template) -> None:
    (policy,) = properties(storage, "AWS::IAM::Policy")
    (metrics,) = [one for one in policy["PolicyDocument"]["Statement"] if one["Action"] == "cloudwatch:PutMetricData"]
    namespaces = metrics["Condition"]["StringLike"]["cloudwatch:namespace"]
    assert all("aws/sagemaker/" in namespace for namespace in namespaces)
