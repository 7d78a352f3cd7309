"""How MiniStack behaves where localaws/ministack builds on it."""

import asyncio
from typing import Any

import pytest

from localaws.ministack.account_scope import account_scope, current_scope
from localaws.ministack.cloudformation import api_stages, settling
from localaws.ministack.cloudformation.conditions import joined
from localaws.ministack.object_store import ObjectError, body_of
from localaws.ministack.role_credentials import trusts


def test_the_account_scope_is_what_ministack_sees_and_ends_with_its_block() -> None:
    before = current_scope()
    with account_scope("111111111111", "eu-west-1"):
        assert current_scope() == ("111111111111", "eu-west-1")
    assert current_scope() == before


@pytest.mark.parametrize(
    ("user_agent", "status"), [("aws-sdk-js/3 aws-cdk/2.1", "CREATE_COMPLETE"), ("Boto3/1.43", "CREATE_IN_PROGRESS")]
)
def test_an_operation_of_the_cdk_answers_once_its_stack_has_settled(user_agent: str, status: str) -> None:
    from ministack.services.cloudformation import _stacks

    async def create(*_: Any) -> tuple[int, dict[str, str], bytes]:
        _stacks["settling"] = {"StackStatus": "CREATE_IN_PROGRESS"}
        asyncio.get_running_loop().call_later(0.2, _stacks["settling"].update, {"StackStatus": "CREATE_COMPLETE"})
        return 200, {}, b""

    async def status_at_the_answer() -> str:
        form = b"Action=CreateStack&StackName=settling"
        await settling.settled(create)("POST", "/", {"user-agent": user_agent}, form, {})
        return str(_stacks["settling"]["StackStatus"])

    assert asyncio.run(status_at_the_answer()) == status
    del _stacks["settling"]


def test_an_objects_error_document_has_a_code_and_a_message() -> None:
    from ministack.services import s3

    with pytest.raises(ObjectError, match="NoSuchBucket: "):
        body_of(*s3._get_object("no-such-bucket", "image.jpg", {}, {}))


def test_a_bucket_has_a_handler_with_the_three_functions_that_are_wrapped() -> None:
    from ministack.services.cloudformation import provisioners

    assert {"create", "update", "delete"} <= provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"].keys()


def test_state_to_save_is_a_function_by_service() -> None:
    from ministack import app

    assert all(callable(state) for state in app._build_persistence_save_dict().values())


def test_a_one_time_schedule_has_a_moment_and_a_rate_has_none() -> None:
    from ministack.services import scheduler

    assert scheduler._at_time_epoch("at(2030-01-01T00:00:00)") == 1_893_456_000
    assert scheduler._at_time_epoch("rate(1 hour)") is None


def test_ministack_has_no_condition_key_for_a_metrics_namespace_of_its_own() -> None:
    from ministack.core import iam_actions

    keys = iam_actions.request_tag_context("monitoring", "cloudwatch:PutMetricData", b'{"Namespace": "a"}', {})
    assert "cloudwatch:namespace" not in keys, "patch_metric_namespace is not needed any more"


def test_ministack_checks_a_log_write_against_its_group() -> None:
    from ministack.core import iam_actions

    headers = {"x-amz-target": "Logs_20140328.PutLogEvents"}
    body = b'{"logGroupName": "group", "logStreamName": "stream", "logEvents": []}'
    arn = iam_actions.extract_resource_arn("logs", "POST", "/", headers, body, {}, "us-east-1", "000000000000")
    assert arn == "arn:aws:logs:us-east-1:000000000000:log-group:group", "read patch_log_stream_arn"


ALLOW = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
OTHER_ACCOUNT = {"Condition": {"StringEquals": {"aws:SourceAccount": "111111111111"}}}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([ALLOW], True),
        ([ALLOW | {"Principal": {"Service": "lambda.amazonaws.com"}}], False),
        ([ALLOW | {"Action": "sts:TagSession"}], False),
        ([ALLOW | OTHER_ACCOUNT], False),
        ([ALLOW, ALLOW | {"Effect": "Deny"}], False),
        ([], False),
    ],
)
def test_a_trust_policy_allows_the_service_it_names_unless_a_statement_denies_it(
    statements: list[dict[str, Any]], expected: bool
) -> None:
    role = {"AssumeRolePolicyDocument": {"Statement": statements}}
    assert trusts(role, "sagemaker.amazonaws.com", "000000000000") is expected


@pytest.mark.parametrize(("policies", "expected"), [("", False), ("arn:a,arn:b", True)])
def test_an_empty_list_parameter_is_equal_to_nothing_when_joined(policies: str, expected: bool) -> None:
    from ministack.services.cloudformation.engine import _evaluate_conditions

    # As in the bootstrap template of the CDK.
    is_given = {"Fn::Not": [{"Fn::Equals": ["", {"Fn::Join": ["", {"Ref": "Policies"}]}]}]}
    params = {"Policies": {"Value": policies}}
    template = {"Conditions": joined({"IsGiven": is_given}, params)}
    assert _evaluate_conditions(template, params)["IsGiven"] is expected


def test_a_stage_with_access_logs_needs_the_regions_log_role() -> None:
    from ministack.services import apigateway_v1

    calls: list[str] = []
    original = {"create": lambda *_: calls.append("create"), "update": lambda *_: calls.append("update")}
    stage = api_stages.handler(original)
    logged = {"AccessLogSetting": {"DestinationArn": "arn:aws:logs:us-east-1:000000000000:log-group:access"}}
    with account_scope("000000000000", "us-east-1"):
        stage["create"]("Stage", {}, "stack")
        with pytest.raises(ValueError, match="CloudWatch Logs role ARN must be set"):
            stage["update"]("Stage", {}, logged, "stack")
        apigateway_v1._account_settings["settings"] = {"cloudwatchRoleArn": "arn:aws:iam::000000000000:role/logs"}
        stage["update"]("Stage", {}, logged, "stack")
        del apigateway_v1._account_settings["settings"]
    assert calls == ["create", "update"]
