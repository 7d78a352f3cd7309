"""The control plane over HTTP: names, lists, tags, and IAM."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.localaws.sagemaker.builders import (
    IMAGE,
    Cloud,
    finished,
    make_config,
    make_endpoint,
    make_model,
    refused,
    training_request,
    unique,
)


def test_an_operation_that_localaws_lacks_is_named(sagemaker: Any) -> None:
    code, message = refused(sagemaker.list_notebook_instances)
    assert code == "UnknownOperationException"
    assert "ListNotebookInstances" in message
    assert "CreateTrainingJob" in message


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        ("describe_training_job", {"TrainingJobName": "none"}, "Requested resource not found."),
        ("stop_training_job", {"TrainingJobName": "none"}, "Requested resource not found."),
        ("describe_transform_job", {"TransformJobName": "none"}, "Could not find requested job with name: none"),
        ("describe_model", {"ModelName": "None"}, 'Could not find model "{arn}:model/none".'),
        ("delete_model", {"ModelName": "none"}, 'Could not find model "{arn}:model/none".'),
        (
            "delete_endpoint_config",
            {"EndpointConfigName": "none"},
            'Could not find endpoint configuration "{arn}:endpoint-config/none".',
        ),
        ("delete_endpoint", {"EndpointName": "none"}, 'Could not find endpoint "{arn}:endpoint/none".'),
        (
            "create_endpoint",
            {"EndpointName": "a", "EndpointConfigName": "none"},
            'Could not find endpoint configuration "{arn}:endpoint-config/none".',
        ),
    ],
)
def test_what_is_not_there_is_a_validation_exception(
    sagemaker: Any, operation: str, request_: dict[str, str], message: str
) -> None:
    arn = "arn:aws:sagemaker:us-east-1:000000000000"
    assert refused(getattr(sagemaker, operation), **request_) == ("ValidationException", message.format(arn=arn))


def test_names_are_unique_whatever_their_case(cloud: Cloud, sagemaker: Any) -> None:
    request = training_request(cloud.role)
    sagemaker.create_training_job(**request)
    again = request | {"TrainingJobName": request["TrainingJobName"].upper()}
    code, message = refused(sagemaker.create_training_job, **again)
    assert code == "ResourceInUse"
    assert message.startswith("Training job names must be unique within an AWS account and region, and a training job")
    model = make_model(cloud)
    container = {"Image": IMAGE}
    assert refused(
        sagemaker.create_model, ModelName=model, PrimaryContainer=container, ExecutionRoleArn=cloud.role
    ) == (
        "ValidationException",
        f'Cannot create already existing model "arn:aws:sagemaker:us-east-1:000000000000:model/{model}".',
    )


def test_lists_filter_sort_and_page(cloud: Cloud, sagemaker: Any) -> None:
    tag = unique("page")
    model = make_model(cloud)
    names = [f"{tag}-{number}" for number in range(5)]
    for name in names:
        variant = {"VariantName": "v", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    pages = sagemaker.get_paginator("list_endpoint_configs").paginate(
        NameContains=tag, SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    assert [[config["EndpointConfigName"] for config in page["EndpointConfigs"]] for page in pages] == [
        names[:2], names[2:4], names[4:],
    ]  # fmt: skip
    newest = sagemaker.list_endpoint_configs(NameContains=tag, MaxResults=1)["EndpointConfigs"][0]
    assert newest["EndpointConfigName"] == names[-1]
    older = sagemaker.list_endpoint_configs(NameContains=tag, CreationTimeBefore=newest["CreationTime"])
    assert [config["EndpointConfigName"] for config in older["EndpointConfigs"]] == names[3::-1]
    assert refused(sagemaker.list_models, NextToken="bm9uc2Vuc2U=")[0] == "ValidationException"


def test_models_configs_and_endpoints_are_described_as_made_listed_and_gone_once_deleted(
    cloud: Cloud, sagemaker: Any
) -> None:
    model = make_model(cloud, environment={"LEVEL": "1"})
    config = make_config(cloud, model)
    endpoint = make_endpoint(cloud, config)
    description = sagemaker.describe_model(ModelName=model)
    assert description["PrimaryContainer"]["Environment"] == {"LEVEL": "1"}
    assert description["ExecutionRoleArn"] == cloud.role
    variant = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0]
    assert (variant["ModelName"], variant["InstanceType"]) == (model, "ml.m5.large")
    assert sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"] == config
    kinds = [("model", "Model", model), ("endpoint_config", "EndpointConfig", config)]
    for noun, kind, name in [*kinds, ("endpoint", "Endpoint", endpoint)]:
        listed = getattr(sagemaker, f"list_{noun}s")(NameContains=name)[f"{kind}s"]
        arn = getattr(sagemaker, f"describe_{noun}")(**{f"{kind}Name": name})[f"{kind}Arn"]
        assert [(summary[f"{kind}Name"], summary[f"{kind}Arn"]) for summary in listed] == [(name, arn)]
    for noun, kind, name in kinds:
        getattr(sagemaker, f"delete_{noun}")(**{f"{kind}Name": name})
        assert refused(getattr(sagemaker, f"describe_{noun}"), **{f"{kind}Name": name})[0] == "ValidationException"
        assert getattr(sagemaker, f"list_{noun}s")(NameContains=name)[f"{kind}s"] == []
    answer = cloud.client("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, Body=b"mirror")
    assert answer["Body"].read() == b"mirror"


def test_of_many_that_create_one_name_at_once_exactly_one_succeeds(cloud: Cloud, sagemaker: Any) -> None:
    request = training_request(cloud.role)

    def create(_: int) -> str:
        try:
            return str(sagemaker.create_training_job(**request)["TrainingJobArn"])
        except ClientError as error:
            return str(error.response["Error"]["Code"])

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(create, range(8)))
    assert sorted(answers)[:7] == ["ResourceInUse"] * 7
    assert finished(sagemaker, request["TrainingJobName"])["TrainingJobStatus"] == "Completed"


def test_a_request_that_boto3_would_refuse_is_refused_by_the_server_in_awss_words(cloud: Cloud) -> None:
    unchecked = cloud.session().client(
        "sagemaker", endpoint_url=f"http://localhost:{cloud.port}", config=Config(parameter_validation=False)
    )
    request = training_request(cloud.role, TrainingJobName="a_b")
    del request["OutputDataConfig"]
    code, message = refused(unchecked.create_training_job, **request)
    assert code == "ValidationException"
    assert message.startswith("2 validation errors detected: Value 'a_b' at 'trainingJobName' failed to satisfy")
    assert "Value null at 'outputDataConfig' failed to satisfy constraint: Member must not be null" in message


def test_training_jobs_are_listed_oldest_first_unless_asked_otherwise(cloud: Cloud, sagemaker: Any) -> None:
    tag = unique("order")
    names = [f"{tag}-{letter}" for letter in "cab"]
    for name in names:
        sagemaker.create_training_job(**training_request(cloud.role, TrainingJobName=name))
    for order, expected in (({}, names), ({"SortOrder": "Descending"}, names[::-1])):
        jobs = sagemaker.list_training_jobs(NameContains=tag, **order)["TrainingJobSummaries"]
        assert [job["TrainingJobName"] for job in jobs] == expected


def test_jobs_are_listed_by_status(cloud: Cloud, sagemaker: Any) -> None:
    completing, failing = training_request(cloud.role), training_request(cloud.role, HyperParameters={"exit": "1"})
    for request in (completing, failing):
        sagemaker.create_training_job(**request)
        finished(sagemaker, request["TrainingJobName"])
    jobs = sagemaker.list_training_jobs(StatusEquals="Failed", MaxResults=100)["TrainingJobSummaries"]
    names = [job["TrainingJobName"] for job in jobs]
    assert failing["TrainingJobName"] in names
    assert completing["TrainingJobName"] not in names


def test_tags_can_be_added_listed_and_removed(cloud: Cloud, sagemaker: Any) -> None:
    name = make_config(cloud, make_model(cloud))
    arn = sagemaker.describe_endpoint_config(EndpointConfigName=name)["EndpointConfigArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "3"}])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}, {"Key": "b", "Value": "2"}]
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["b", "c"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}]


def test_other_regions_and_accounts_see_nothing(cloud: Cloud, sagemaker: Any) -> None:
    name = make_model(cloud)
    elsewhere = cloud.session().client(
        "sagemaker", endpoint_url=f"http://localhost:{cloud.port}", region_name="eu-west-1"
    )
    assert refused(elsewhere.describe_model, ModelName=name)[0] == "ValidationException"
    assert name not in [model["ModelName"] for model in elsewhere.list_models(MaxResults=100)["Models"]]


def test_iam_decides_what_a_user_may_do(cloud: Cloud, sagemaker: Any) -> None:
    iam, user = cloud.client("iam"), unique("user")
    iam.create_user(UserName=user)
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": '
        '["sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob"], '
        '"Resource": "arn:aws:sagemaker:us-east-1:000000000000:training-job/mine-*"}]}'
    )
    iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=policy)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    restricted = cloud.client_of(cloud.session(key["AccessKeyId"], key["SecretAccessKey"]), "sagemaker")
    assert refused(restricted.list_training_jobs)[0] == "AccessDeniedException"
    assert refused(restricted.describe_training_job, TrainingJobName="other")[0] == "AccessDeniedException"
    assert refused(restricted.describe_training_job, TrainingJobName="mine-1")[0] == "ValidationException"
    request = training_request(cloud.role, TrainingJobName=unique("mine"))
    code, message = refused(restricted.create_training_job, **request)
    assert code == "AccessDeniedException"
    assert "iam:PassRole" in message
    code, message = refused(restricted.create_training_job, **request, Tags=[{"Key": "a", "Value": "b"}])
    assert "sagemaker:AddTags" in message
    runtime = cloud.client_of(cloud.session(key["AccessKeyId"], key["SecretAccessKey"]), "sagemaker-runtime")
    assert refused(runtime.invoke_endpoint, EndpointName="any", Body=b"1")[0] == "AccessDeniedException"
