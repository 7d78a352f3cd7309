"""Preflight finds what would fail before anything is created; a check that AWS does not answer is unknown."""

from typing import Any

import pytest

from ml import preflight_checks, preflight_quotas
from ml.algorithms import BUILT_IN
from ml.aws import clients
from ml.errors import UserError
from tests.localaws.server.builders import Server
from tests.ml.conftest import STAGE
from tests.ports import free_port

from .builders import give_up_quickly, state_of


def test_after_the_storage_stack_the_data_set_is_not_yet_prepared(account: Server) -> None:
    assert state_of(preflight_checks.stack, STAGE, "Storage")[0] == "ok"
    bucket = preflight_checks.outputs(STAGE, "Storage")["DataBucketName"]
    account.client("s3").delete_object(Bucket=bucket, Key="datasets/latest.json")
    state, message = state_of(preflight_checks.data_set, STAGE)
    assert state == "not yet"
    assert f"python -m ml.prepare --stage {STAGE}" in message


def test_a_bootstrap_that_is_missing_or_too_old_fails(account: Server) -> None:
    ssm = account.client("ssm")
    assert state_of(preflight_checks.bootstrap) == ("ok", "version 30")
    try:
        ssm.put_parameter(Name=preflight_checks.BOOTSTRAP, Value="5", Type="String", Overwrite=True)
        state, message = state_of(preflight_checks.bootstrap)
        assert state == "fails"
        assert "version 5" in message
        assert "6" in message
        ssm.delete_parameter(Name=preflight_checks.BOOTSTRAP)
        state, message = state_of(preflight_checks.bootstrap)
        assert (state, "`cdk bootstrap`" in message) == ("fails", True)
    finally:
        ssm.put_parameter(Name=preflight_checks.BOOTSTRAP, Value="30", Type="String", Overwrite=True)


@pytest.mark.usefixtures("account")
def test_another_region_than_the_settings_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    state, message = state_of(preflight_checks.region, {"region": "us-east-1"}, BUILT_IN)
    assert (state, "export AWS_REGION=us-east-1" in message) == ("fails", True)


def test_the_region_is_read_as_the_cli_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    assert clients.region() == "eu-west-1"
    assert clients.client("s3").meta.region_name == "eu-west-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert clients.region() == "eu-west-1"


def test_a_function_needs_no_lease_and_no_quota_of_endpoints() -> None:
    function = {"hosting": "function", "lease_hours": 8}
    for check in (
        lambda: preflight_checks.lease(STAGE, function),
        lambda: preflight_quotas.endpoint(preflight_quotas.Quotas(), STAGE, function),
        lambda: preflight_quotas.serverless(preflight_quotas.Quotas(), function),
    ):
        assert check() == "not used (hosting is function)"


@pytest.mark.usefixtures("account")
def test_an_aws_that_does_not_answer_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", f"http://127.0.0.1:{free_port()}")
    give_up_quickly(monkeypatch)
    assert state_of(preflight_checks.bootstrap)[0] == "unknown"


def test_a_call_that_the_credentials_may_not_make_is_unknown_and_named(
    account: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    for name, value in zip(names, account.role("lists-no-quota"), strict=True):
        monkeypatch.setenv(name, value)
    state, message = state_of(preflight_quotas.training, preflight_quotas.Quotas(), "ml.g4dn.xlarge", True)
    assert (state, "ListServiceQuotas" in message) == ("unknown", True)


def test_the_log_role_of_a_region_is_created_and_never_replaced(account: Server) -> None:
    creates, keeps = {"manage_api_gateway_log_role": True}, {"manage_api_gateway_log_role": False}
    with pytest.raises(UserError, match="manage_api_gateway_log_role to true"):
        preflight_checks.log_role(STAGE, keeps)
    assert preflight_checks.log_role(STAGE, creates) == "the deployment creates it"
    try:
        for name, own in (("others", False), (f"Pneumonia-{STAGE}-Api-CloudWatchRole-1", True)):
            role = f"arn:aws:iam::000000000000:role/{name}"
            change: Any = {"op": "replace", "path": "/cloudwatchRoleArn", "value": role}
            clients.client("apigateway").update_account(patchOperations=[change])
            assert preflight_checks.log_role(STAGE, keeps) == role
            if own:
                assert preflight_checks.log_role(STAGE, creates) == role
            else:
                with pytest.raises(UserError, match=f"{role}.*manage_api_gateway_log_role to false"):
                    preflight_checks.log_role(STAGE, creates)
    finally:
        clients.client("apigateway").update_account(
            patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}]
        )
