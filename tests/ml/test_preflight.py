"""Preflight finds what would fail before anything is created; a check that AWS does not answer is unknown."""

import json
from pathlib import Path
from typing import Any

import pytest

from localaws.environment import client_environment
from ml import preflight, preflight_checks, setting_changes
from ml import project as files
from ml.aws import clients
from ml.errors import UserError
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


@pytest.fixture
def account(server: Server, settings: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """An account in which the storage stack is deployed, and nothing else."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in client_environment(server.port).items():
        monkeypatch.setenv(name, value)
    return server


def states(instance_type: str = "ml.g4dn.xlarge") -> dict[str, tuple[str, str]]:
    return {finding.name: (finding.state, finding.message) for finding in preflight.findings(STAGE, instance_type)}


@pytest.mark.usefixtures("account")
def test_each_missing_part_fails_with_what_to_do() -> None:
    results = states()
    for name in ("credentials", "region", "storage", "settings", "lease"):
        assert results[name][0] == "ok"
    for name, remedy in {
        "bootstrap": "run `cdk bootstrap`",
        "model": f"python -m ml.train --stage {STAGE}",
    }.items():
        assert results[name][0] == "fails"
        assert remedy in results[name][1]
    assert f"python -m ml.lease extend --stage {STAGE}" in results["lease"][1]
    assert results["region"][1].endswith("image-classification:1")


@pytest.mark.usefixtures("account")
def test_a_check_that_aws_cannot_answer_is_unknown() -> None:
    results = states()
    assert {results[name][0] for name in ("training quota", "transform quota", "endpoint quota")} == {"unknown"}


def test_a_bootstrap_that_is_too_old_fails(account: Server) -> None:
    ssm = account.client("ssm")
    try:
        ssm.put_parameter(Name=preflight_checks.BOOTSTRAP, Value="5", Type="String")
        state, message = states()["bootstrap"]
        assert state == "fails"
        assert "version 5" in message
        assert "6" in message
        assert "`cdk bootstrap`" in message
        ssm.put_parameter(Name=preflight_checks.BOOTSTRAP, Value="30", Type="String", Overwrite=True)
        assert states()["bootstrap"] == ("ok", "version 30")
    finally:
        ssm.delete_parameter(Name=preflight_checks.BOOTSTRAP)


@pytest.mark.usefixtures("account")
def test_another_region_than_the_settings_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    state, message = states()["region"]
    assert (state, "export AWS_REGION=us-east-1" in message) == ("fails", True)


def test_a_model_whose_artifact_is_gone_fails_and_one_that_is_there_is_ok(account: Server) -> None:
    s3, key = account.client("s3"), "training/preflight/output/model.tar.gz"
    entry: dict[str, Any] = {"artifact": f"s3://images/{key}", "training_job": "preflight", "gate": "passed"}
    files.write(f"model:{STAGE}", entry)
    assert states()["model"][0] == "fails"
    s3.put_object(Bucket="images", Key=key, Body=b"x")
    assert states()["model"][0] == "ok"
    files.write(f"model:{STAGE}", entry | {"gate": "it was not evaluated yet"})
    assert "it was not evaluated yet" in states()["model"][1]


def test_a_model_in_another_bucket_than_the_stages_own_fails(account: Server) -> None:
    s3, key = account.client("s3"), "training/elsewhere/output/model.tar.gz"
    s3.create_bucket(Bucket="another-region")
    s3.put_object(Bucket="another-region", Key=key, Body=b"x")
    entry = {"artifact": f"s3://another-region/{key}", "training_job": "elsewhere", "gate": "passed"}
    files.write(f"model:{STAGE}", entry)
    state, message = states()["model"]
    assert state == "fails"
    assert "s3://another-region/" in message
    assert "images" in message


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


@pytest.mark.usefixtures("account", "kept")
def test_the_command_compares_what_its_overrides_would_deploy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clients, "CONFIG", clients.CONFIG.merge(quick()))
    given = ["--stage", "kept", "--json", "-c", "retain_data=true", "-c", "lease_hours=0", "-c", "kms=none"]
    for options, state in ([], "fails"), (["--accept", "kms"], "ok"):
        assert preflight.main([*given, *options]) == 1  # the account is not bootstrapped
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
def test_a_failed_check_ends_the_command_with_1_and_every_finding_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert preflight.main(["--stage", STAGE]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(states())
    assert {line.split()[0] for line in lines} == {"ok", "fails", "unknown"}


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


def test_an_aws_that_does_not_answer_is_unknown(
    account: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr(clients, "CONFIG", clients.CONFIG.merge(quick()))
    assert states()["bootstrap"][0] == "unknown"


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


def test_a_region_without_a_log_role_fails_until_the_setting_makes_it_and_another_role_is_named(
    account: Server,
) -> None:
    with pytest.raises(UserError, match="-c manage_api_gateway_log_role=true"):
        preflight_checks.log_role(STAGE, {"manage_api_gateway_log_role": False})
    assert preflight_checks.log_role(STAGE, {"manage_api_gateway_log_role": True}) == "the deployment sets it"
    role = "arn:aws:iam::000000000000:role/others"
    change: Any = {"op": "replace", "path": "/cloudwatchRoleArn", "value": role}
    clients.client("apigateway").update_account(patchOperations=[change])
    assert preflight_checks.log_role(STAGE, {"manage_api_gateway_log_role": False}) == role
    assert role in preflight_checks.log_role(STAGE, {"manage_api_gateway_log_role": True})
