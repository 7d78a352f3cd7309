"""The settings of a stage against the deployed ones: a change that does harm fails until it is accepted."""

import json
from pathlib import Path
from typing import Any

import pytest

from ml import preflight, setting_changes
from ml import project as files
from ml.errors import UserError
from tests.localaws.server.builders import Server
from tests.ml.conftest import STAGE

from .builders import give_up_quickly

DEPLOYED = {
    "Storage": {"region": "us-east-1", "kms": "create", "retain_data": True},
    "Endpoint": {"region": "us-east-1", "hosting": "realtime", "instance_type": "ml.m5.large", "lease_hours": 0},
}
"""The settings in the outputs of the deployed stage's stacks."""
AS_DEPLOYED = {"kms": "create", "retain_data": True, "lease_hours": 0}


@pytest.fixture(scope="module")
def deployed_stage(server: Server) -> None:
    """Stacks of stage deployed, with the output that infra gives them."""
    client = server.client("cloudformation")
    for part, values in DEPLOYED.items():
        body = {
            "Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
            "Outputs": {"Settings": {"Value": json.dumps(values)}, "DataBucketName": {"Value": "images"}},
        }
        client.create_stack(StackName=f"Pneumonia-deployed-{part}", TemplateBody=json.dumps(body))
        client.get_waiter("stack_create_complete").wait(
            StackName=f"Pneumonia-deployed-{part}", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )


def compared(settings: Path, stages: dict[str, Any], accepted: list[str] | None = None) -> tuple[str, str]:
    """Return state and message of the comparison of stage deployed with these stages in cdk.json."""
    cdk_json = json.loads(settings.read_text())
    cdk_json["context"]["stages"] = stages
    settings.write_text(json.dumps(cdk_json))
    try:
        return "ok", setting_changes.compare("deployed", files.settings("deployed"), accepted or [])
    except UserError as error:
        return "fails", str(error)


@pytest.mark.usefixtures("account", "deployed_stage")
def test_the_deployed_settings_and_harmless_changes_pass_and_are_listed(settings: Path) -> None:
    assert compared(settings, {"deployed": AS_DEPLOYED}) == ("ok", "as deployed")
    state, message = compared(settings, {"deployed": AS_DEPLOYED | {"instance_type": "ml.c5.large"}})
    assert (state, "instance_type ml.m5.large -> ml.c5.large" in message) == ("ok", True)


@pytest.mark.usefixtures("account", "deployed_stage")
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
    stages = {"deployed": AS_DEPLOYED | {setting: value}}
    state, message = compared(settings, stages)
    assert state == "fails"
    assert change in message
    assert f"--accept {setting}" in message
    state, message = compared(settings, stages, [setting])
    assert (state, f"accepted: {change}" in message) == ("ok", True)
    others = [name for name in setting_changes.NAMES if name != setting]
    assert compared(settings, stages, others)[0] == "fails"


@pytest.mark.usefixtures("account", "deployed_stage")
def test_a_renamed_entry_of_stages_takes_the_settings_away_and_fails(settings: Path) -> None:
    state, message = compared(settings, {"renamed": AS_DEPLOYED})
    assert (state, "--accept kms,retain_data,lease_hours" in message) == ("fails", True)


@pytest.mark.usefixtures("account", "deployed_stage")
def test_for_a_stage_that_is_not_deployed_the_deployed_ones_are_named() -> None:
    message = setting_changes.compare("trial", files.settings("trial"), [])
    assert "deployed" in message
    assert STAGE in message


@pytest.mark.usefixtures("account", "deployed_stage")
def test_the_command_compares_what_its_overrides_would_deploy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give_up_quickly(monkeypatch)
    overrides = ["-c", "retain_data=true", "-c", "lease_hours=0", "-c", "kms=none"]
    arguments = ["--stage", "deployed", "--for", "deploy", "--json", *overrides]
    for options, state, code in ([], "fails", 1), (["--accept", "kms"], "ok", 0):
        assert preflight.main([*arguments, *options]) == code
        findings = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)}
        assert findings["settings"]["state"] == state
        assert "kms create -> none" in findings["settings"]["message"]


@pytest.mark.usefixtures("settings")
def test_accepting_an_unknown_setting_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert preflight.main(["--accept", "retain_data,colour"]) == 2
    error = capsys.readouterr().err
    assert "colour" in error
    assert "retain_data, kms" in error
