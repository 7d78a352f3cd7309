"""The data bucket and the execution role."""

import json
from typing import Any

import pytest
from aws_cdk.assertions import Template

from ml import setting_changes

from .builders import Synth, as_list, properties, resources


def bucket(template: Template) -> dict[str, Any]:
    (logged,) = [
        resource
        for resource in resources(template, "AWS::S3::Bucket")
        if "LoggingConfiguration" in resource["Properties"]
    ]
    return logged


def test_access_to_the_data_is_logged_into_a_bucket_of_its_own(storage: Template) -> None:
    log_id = bucket(storage)["Properties"]["LoggingConfiguration"]["DestinationBucketName"]["Ref"]
    log = storage.find_resources("AWS::S3::Bucket")[log_id]["Properties"]
    assert set(log["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = log["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == 90


def test_a_key_of_its_own_encrypts_data_volumes_and_what_the_proxy_keeps(synth: Synth) -> None:
    keyed = synth(kms="create")
    (key,) = properties(keyed["Storage"], "AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True
    (rule,) = bucket(keyed["Storage"])["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert rule["BucketKeyEnabled"] is True
    assert "DataKeyArn" in keyed["Storage"].to_json()["Outputs"]
    (config,) = properties(keyed["Endpoint"], "AWS::SageMaker::EndpointConfig")
    assert config["KmsKeyId"] == {"Fn::ImportValue": "Pneumonia-dev-Storage:DataKeyArn"}
    assert grants_on_the_key(keyed["Api"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    # kms:Encrypt by CreateTrainingJob, OutputDataConfig; the others by the developer guide, "SageMaker AI Roles".
    assert grants_on_the_key(keyed["Storage"]) == {
        "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:DescribeKey", "kms:CreateGrant",
    }  # fmt: skip


def grants_on_the_key(template: Template) -> set[str]:
    """Return the actions of the roles of a template on the stage's key."""
    return {
        action
        for policy in properties(template, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
        if action.startswith("kms:")
    }


def test_the_bucket_answers_over_tls_only(storage: Template) -> None:
    policies = properties(storage, "AWS::S3::BucketPolicy")
    assert len(policies) == 2
    for policy in policies:
        (denial,) = [part for part in policy["PolicyDocument"]["Statement"] if part["Effect"] == "Deny"]
        assert denial["Action"] == "s3:*"
        assert denial["Principal"] == {"AWS": "*"}
        assert denial["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert len(denial["Resource"]) == 2


def test_the_bucket_is_private_and_encrypted(storage: Template) -> None:
    data = bucket(storage)["Properties"]
    assert set(data["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = data["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert data["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_only_pages_of_listed_origins_can_upload_into_the_bucket(synth: Synth, storage: Template) -> None:
    assert "CorsConfiguration" not in bucket(storage)["Properties"]
    cross_origin = bucket(synth(cors_origins="https://a.example.org,https://b.example.org")["Storage"])
    (rule,) = cross_origin["Properties"]["CorsConfiguration"]["CorsRules"]
    assert rule == {
        "AllowedMethods": ["PUT"],
        "AllowedOrigins": ["https://a.example.org", "https://b.example.org"],
        "AllowedHeaders": ["Content-Type"],
    }


def test_a_removable_stage_deletes_its_bucket_and_the_objects(storage: Template) -> None:
    assert bucket(storage)["DeletionPolicy"] == "Delete"
    storage.resource_count_is("Custom::S3AutoDeleteObjects", 2)


def test_a_retained_stage_keeps_bucket_versions_and_stack(synth: Synth) -> None:
    retained = synth(retain_data="true")["Storage"]
    assert bucket(retained)["DeletionPolicy"] == "Retain"
    assert bucket(retained)["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    retained.resource_count_is("Custom::S3AutoDeleteObjects", 0)


@pytest.mark.parametrize("retain_data", ["true", "false"])
def test_a_key_is_retained_whatever_becomes_of_the_bucket(synth: Synth, retain_data: str) -> None:
    (key,) = resources(synth(kms="create", retain_data=retain_data)["Storage"], "AWS::KMS::Key")
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_only_a_retained_stage_has_a_stack_that_imports_its_bucket(synth: Synth) -> None:
    retained, removable = synth(retain_data="true"), synth(retain_data="false")
    (parameter,) = properties(retained["Retention"], "AWS::SSM::Parameter")
    export = retained["Storage"].to_json()["Outputs"]["RetainedBucketName"]["Export"]["Name"]
    assert parameter["Value"] == {"Fn::ImportValue": export}
    assert "RetainedBucketName" not in removable["Storage"].to_json()["Outputs"]
    assert "Retention" not in removable


def recorded(templates: dict[str, Template]) -> dict[str, Any]:
    """Return the settings in the outputs of the stacks."""
    values = [templates[part].to_json()["Outputs"]["Settings"]["Value"] for part in setting_changes.STACKS]
    return {name: value for text in values for name, value in json.loads(text).items()}


def test_the_stacks_record_each_setting_whose_change_may_do_harm(synth: Synth) -> None:
    prod = recorded(synth(stage="prod", kms="create"))
    assert {rule.setting for rule in setting_changes.RULES} <= set(prod)
    assert {name: prod[name] for name in setting_changes.NAMES} == {
        "retain_data": True, "kms": "create", "lease_hours": 0, "region": "us-east-1",
    }  # fmt: skip


def test_transform_output_and_abandoned_uploads_expire(storage: Template) -> None:
    rules = {rule["Id"]: rule for rule in bucket(storage)["Properties"]["LifecycleConfiguration"]["Rules"]}
    expiring = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules.values() if "Prefix" in rule}
    assert expiring == {"transform/": 30, "transform-input/": 1, "processing/": 7, "uploads/": 1, "capture/": 30}
    assert rules["TidyUp"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_only_sagemaker_takes_the_roles_of_jobs(storage: Template) -> None:
    roles = [
        role
        for role in properties(storage, "AWS::IAM::Role")
        if "Policies" not in role and "ManagedPolicyArns" not in role
    ]
    assert len(roles) == 2
    for role in roles:
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
        assert statement["Action"] == "sts:AssumeRole"


def test_only_the_processing_role_writes_data_sets_and_it_reads_no_model(storage: Template) -> None:
    for policy in properties(storage, "AWS::IAM::Policy"):
        processing = str(policy["Roles"][0]["Ref"]).startswith("Processing")
        targets = {
            part["Action"]: str(part["Resource"])
            for part in policy["PolicyDocument"]["Statement"]
            if str(part["Action"]).startswith("s3:")
        }
        assert ("datasets" in targets["s3:PutObject"]) == processing
        assert ("training" in targets["s3:GetObject"]) != processing


def test_the_processing_role_reads_the_buckets_in_the_settings_and_writes_none_of_them(synth: Synth) -> None:
    statements = [
        part
        for policy in properties(synth(source_buckets="hospital-films,archive")["Storage"], "AWS::IAM::Policy")
        for part in policy["PolicyDocument"]["Statement"]
        if "hospital-films" in str(part["Resource"])
    ]
    assert sorted(part["Action"] for part in statements) == ["s3:GetObject", "s3:ListBucket"]
    assert all("archive" in str(part["Resource"]) for part in statements)


def test_metrics_go_to_sagemakers_namespaces_only(storage: Template) -> None:
    for policy in properties(storage, "AWS::IAM::Policy"):
        (metrics,) = [
            part for part in policy["PolicyDocument"]["Statement"] if part["Action"] == "cloudwatch:PutMetricData"
        ]
        namespaces = metrics["Condition"]["StringLike"]["cloudwatch:namespace"]
        assert all("aws/sagemaker/" in namespace for namespace in namespaces)
