"""Preflight finds what would fail before anything is created; a check that AWS does not answer is unknown."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.environment import client_environment
from ml import preflight, preflight_checks, preflight_quotas, setting_changes
from ml import project as files
from ml.algorithms import BUILT_IN
from ml.aws import clients
from ml.errors import UserError
from ml.preflight import Finding
from tests.localaws.server.builders import Server
from tests.ports import free_port

from .conftest import STAGE

SHIPPED = Path(__file__).resolve().parents[2] / "cdk.json"


@pytest.fixture
def settings(project: Path) -> Path:
    """The shipped settings in an empty project; return its cdk.json."""
    path = project / "cdk.json"
    path.write_text(SHIPPED.read_text(encoding="utf-8"), encoding="utf-8")
    return path


def point_at(server: Server, patch: pytest.MonkeyPatch) -> None:
    patch.delenv("AWS_PROFILE", raising=False)
    for name, value in client_environment(server.port).items():
        patch.setenv(name, value)


@pytest.fixture(scope="module")
def bootstrapped(server: Server) -> Iterator[Server]:
    """A bootstrapped account whose only stack is the storage stack of STAGE."""
    ssm = server.client("ssm")
    ssm.put_parameter(Name=preflight_checks.BOOTSTRAP, Value="30", Type="String", Overwrite=True)
    yield server
    ssm.delete_parameter(Name=preflight_checks.BOOTSTRAP)


@pytest.fixture
def account(bootstrapped: Server, settings: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    point_at(bootstrapped, monkeypatch)
    return bootstrapped


@pytest.fixture(scope="module")
def fresh(bootstrapped: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finding]:
    """What every check finds for a stage of which nothing is deployed."""
    folder = tmp_path_factory.mktemp("fresh")
    (folder / "cdk.json").write_text(SHIPPED.read_text(encoding="utf-8"))
    with pytest.MonkeyPatch.context() as patch:
        point_at(bootstrapped, patch)
        patch.chdir(folder)
        return {finding.name: finding for finding in preflight.findings("fresh")}


def state_of(check: Callable[..., str], *arguments: Any) -> tuple[str, str]:
    finding = preflight.result("check", lambda: check(*arguments))
    return finding.state, finding.message


def test_in_a_fresh_account_nothing_fails_and_what_comes_later_is_not_yet_with_its_command(
    fresh: dict[str, Finding],
) -> None:
    commands = {
        "storage": "cdk deploy Pneumonia-fresh-Storage",
        "data set": "cdk deploy Pneumonia-fresh-Storage",
        "model": "python -m ml.train --stage fresh",
        "lease": "python -m ml.lease extend --stage fresh",
    }
    assert {name for name, finding in fresh.items() if finding.state == "not yet"} == set(commands)
    assert {finding.state for name, finding in fresh.items() if name not in commands} == {"ok"}
    for name, command in commands.items():
        assert command in fresh[name].message
    assert fresh["region"].message.endswith("image-classification:1")


def test_the_purpose_selects_the_checks() -> None:
    settings = {"hosting": "realtime"}
    purposes = {name: purpose for name, purpose, _ in preflight.checks("dev", settings, preflight.Jobs(), ())}
    training = {name for name, purpose in purposes.items() if purpose == ("train",)}
    assert training == {"training quota", "transform quota", "data set"}
    deployment = {name for name, purpose in purposes.items() if purpose == ("deploy",)}
    assert deployment == {"settings", "endpoint quota", "serverless", "model", "lease", "log role"}


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


HOSTED = {"hosting": "realtime"}


def model_entry(bucket: str, job: str, **changes: Any) -> dict[str, Any]:
    artifact = f"s3://{bucket}/training/{job}/output/model.tar.gz"
    return {"artifact": artifact, "training_job": job, "gate": "passed", "metrics": {}} | changes


def test_a_model_whose_artifact_is_gone_fails_and_one_that_is_there_is_ok(account: Server) -> None:
    files.write(f"model:{STAGE}", model_entry("images", "preflight"))
    assert state_of(preflight_checks.model, STAGE, HOSTED)[0] == "fails"
    account.client("s3").put_object(Bucket="images", Key="training/preflight/output/model.tar.gz", Body=b"x")
    assert state_of(preflight_checks.model, STAGE, HOSTED)[0] == "ok"


def test_a_model_that_missed_the_gate_fails_and_one_that_was_not_evaluated_is_not_yet_released(account: Server) -> None:
    account.client("s3").put_object(Bucket="images", Key="training/gate/output/model.tar.gz", Body=b"x")
    files.write(f"model:{STAGE}", model_entry("images", "gate", gate="AUROC is below 0.9"))
    state, message = state_of(preflight_checks.model, STAGE, HOSTED)
    assert (state, "AUROC is below 0.9" in message) == ("fails", True)
    untested = model_entry("images", "gate", gate="run `python -m ml.transform`")
    del untested["metrics"]
    files.write(f"model:{STAGE}", untested)
    state, message = state_of(preflight_checks.model, STAGE, HOSTED)
    assert (state, "ml.transform" in message) == ("not yet", True)


def test_a_model_in_another_bucket_than_the_stages_own_fails(account: Server) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="another-region")
    s3.put_object(Bucket="another-region", Key="training/elsewhere/output/model.tar.gz", Body=b"x")
    for stage in (STAGE, "undeployed"):
        files.write(f"model:{stage}", model_entry("another-region", "elsewhere"))
        state, message = state_of(preflight_checks.model, stage, HOSTED)
        assert state == "fails"
        assert "s3://another-region/" in message
        assert f"python -m ml.train --stage {stage}" in message


def test_a_model_for_the_function_needs_its_graph(account: Server) -> None:
    account.client("s3").put_object(Bucket="images", Key="training/graph/output/model.tar.gz", Body=b"x")
    entry = model_entry("images", "graph")
    files.write(f"model:{STAGE}", entry)
    function = {"hosting": "function"}
    state, message = state_of(preflight_checks.model, STAGE, function)
    assert (state, f"python -m ml.export --stage {STAGE}" in message) == ("not yet", True)
    files.write(f"model:{STAGE}", entry | {"graph": {"uri": "s3://images/training/graph/model.onnx", "sha256": "0"}})
    state, message = state_of(preflight_checks.model, STAGE, function)
    assert (state, "training/graph/model.onnx does not exist" in message) == ("fails", True)
    account.client("s3").put_object(Bucket="images", Key="training/graph/model.onnx", Body=b"x")
    assert state_of(preflight_checks.model, STAGE, function)[0] == "ok"


def test_a_function_needs_no_lease_and_no_quota_of_endpoints() -> None:
    function = {"hosting": "function", "lease_hours": 8}
    for check in (
        lambda: preflight_checks.lease(STAGE, function),
        lambda: preflight_quotas.endpoint(preflight_quotas.Quotas(), STAGE, function),
        lambda: preflight_quotas.serverless(preflight_quotas.Quotas(), function),
    ):
        assert check() == "not used (hosting is function)"


DEPLOYED = {
    "Storage": {"region": "us-east-1", "kms": "create", "retain_data": True},
    "Endpoint": {"region": "us-east-1", "hosting": "realtime", "instance_type": "ml.m5.large", "lease_hours": 0},
}
"""What the stacks of stage kept say they were deployed with."""
AS_DEPLOYED = {"kms": "create", "retain_data": True, "lease_hours": 0}


@pytest.fixture(scope="module")
def kept(server: Server) -> None:
    """Stacks of stage kept, with the output that infra gives them."""
    client = server.client("cloudformation")
    for part, values in DEPLOYED.items():
        body = {
            "Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
            "Outputs": {"Settings": {"Value": json.dumps(values)}, "DataBucketName": {"Value": "images"}},
        }
        client.create_stack(StackName=f"Pneumonia-kept-{part}", TemplateBody=json.dumps(body))
        client.get_waiter("stack_create_complete").wait(
            StackName=f"Pneumonia-kept-{part}", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )


def compared(settings: Path, stages: dict[str, Any], accepted: list[str] | None = None) -> tuple[str, str]:
    """Return state and message of the comparison of stage kept with these stages in cdk.json."""
    cdk_json = json.loads(settings.read_text())
    cdk_json["context"]["stages"] = stages
    settings.write_text(json.dumps(cdk_json))
    try:
        return "ok", setting_changes.compare("kept", files.settings("kept"), accepted or [])
    except UserError as error:
        return "fails", str(error)


@pytest.mark.usefixtures("account", "kept")
def test_the_deployed_settings_and_harmless_changes_pass_and_are_listed(settings: Path) -> None:
    assert compared(settings, {"kept": AS_DEPLOYED}) == ("ok", "as deployed")
    state, message = compared(settings, {"kept": AS_DEPLOYED | {"instance_type": "ml.c5.large"}})
    assert (state, "instance_type ml.m5.large -> ml.c5.large" in message) == ("ok", True)


@pytest.mark.usefixtures("account", "kept")
@pytest.mark.parametrize(
    ("setting", "value", "change"),
    [
        ("retain_data", False, "retain_data true -> false"),
        ("kms", "none", "kms create -> none"),
        ("lease_hours", 8, "lease_hours 0 -> 8"),
        ("region", "eu-west-1", "region us-east-1 -> eu-west-1"),
    ],
)
def test_a_change_that_loses_data_or_ends_the_endpoint_fails_until_its_setting_is_accepted(
    settings: Path, setting: str, value: Any, change: str
) -> None:
    stages = {"kept": AS_DEPLOYED | {setting: value}}
    state, message = compared(settings, stages)
    assert state == "fails"
    assert change in message
    assert f"--accept {setting}" in message
    state, message = compared(settings, stages, [setting])
    assert (state, f"accepted: {change}" in message) == ("ok", True)
    others = [name for name in setting_changes.NAMES if name != setting]
    assert compared(settings, stages, others)[0] == "fails"


@pytest.mark.usefixtures("account", "kept")
def test_a_renamed_entry_of_stages_takes_the_settings_away_and_fails(settings: Path) -> None:
    state, message = compared(settings, {"renamed": AS_DEPLOYED})
    assert (state, "--accept kms,retain_data,lease_hours" in message) == ("fails", True)


@pytest.mark.usefixtures("account", "kept")
def test_for_a_stage_that_is_not_deployed_the_deployed_ones_are_named() -> None:
    message = setting_changes.compare("trial", files.settings("trial"), [])
    assert "kept" in message
    assert STAGE in message


EVERY_CHECK = preflight.checks


def only_settings(*arguments: Any) -> Iterator[Any]:
    return (check for check in EVERY_CHECK(*arguments) if check[0] == "settings")


@pytest.mark.usefixtures("account", "kept")
def test_the_command_compares_what_its_overrides_would_deploy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clients, "CONFIG", clients.CONFIG.merge(quick()))
    given = [
        "--stage",
        "kept",
        "--for",
        "deploy",
        "--json",
        "-c",
        "retain_data=true",
        "-c",
        "lease_hours=0",
        "-c",
        "kms=none",
    ]
    for options, state, code in ([], "fails", 1), (["--accept", "kms"], "ok", 0):
        assert preflight.main([*given, *options]) == code
        findings = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)}
        assert findings["settings"]["state"] == state
        assert "kms create -> none" in findings["settings"]["message"]


@pytest.mark.usefixtures("settings")
def test_accepting_an_unknown_setting_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert preflight.main(["--accept", "retain_data,colour"]) == 2
    error = capsys.readouterr().err
    assert "colour" in error
    assert "retain_data, kms" in error


@pytest.mark.usefixtures("account")
def test_each_finding_is_a_line_and_only_a_failed_check_ends_the_command_with_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = ["--stage", "fresh", "--for", "train"]
    assert preflight.main(given) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["ok", "ok", "ok", "not", "ok", "ok", "not"]
    assert preflight.main([*given, "--instance-type", "ml.p3.2xlarge"]) == 1
    assert "fails    training quota: ml.p3.2xlarge" in capsys.readouterr().out


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("options", [["--algorithm", "pytorch"], ["-c", "algorithm=pytorch"]])
def test_the_quota_and_the_image_are_those_of_the_algorithm(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    preflight.main(["--stage", "fresh", "--for", "train", *options])
    lines = {line[9:].partition(":")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "ml.m5.4xlarge for spot training job usage" in lines["training quota"]
    assert "/pytorch-training:2.6.0-cpu-py312" in lines["region"]
    assert preflight.main(["--for", "train", *options, "--instance-type", "ml.g4dn.xlarge"]) == 2
    assert "ml.g4dn.xlarge cannot run the algorithm pytorch" in capsys.readouterr().err


@pytest.mark.usefixtures("settings")
def test_without_credentials_only_that_check_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert preflight.main(["--stage", STAGE, "--json"]) == 1
    (only,) = json.loads(capsys.readouterr().out)
    assert (only["name"], only["state"]) == ("credentials", "fails")
    assert "aws configure" in only["message"]


@pytest.mark.usefixtures("account")
def test_an_aws_that_does_not_answer_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr(clients, "CONFIG", clients.CONFIG.merge(quick()))
    assert state_of(preflight_checks.bootstrap)[0] == "unknown"


def test_a_call_that_the_credentials_may_not_make_is_unknown_and_named(
    account: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    for name, value in zip(names, account.role("lists-no-quota"), strict=True):
        monkeypatch.setenv(name, value)
    state, message = state_of(preflight_quotas.training, preflight_quotas.Quotas(), "ml.g4dn.xlarge", True)
    assert (state, "ListServiceQuotas" in message) == ("unknown", True)


def quick() -> Any:
    from botocore.config import Config

    return Config(retries={"mode": "standard", "max_attempts": 1}, connect_timeout=1)


def test_the_region_is_read_as_the_cli_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    assert clients.region() == "eu-west-1"
    assert clients.client("s3").meta.region_name == "eu-west-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert clients.region() == "eu-west-1"


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
