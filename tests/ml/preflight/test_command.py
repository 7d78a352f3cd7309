"""The command: its purposes, its output and its exit codes."""

import json
from pathlib import Path

import pytest

from ml import preflight
from ml.preflight import Finding
from tests.localaws.server.builders import Server
from tests.ml.conftest import STAGE

from .builders import SHIPPED, point_at


@pytest.fixture(scope="module")
def fresh(bootstrapped: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finding]:
    """What every check finds for a stage of which nothing is deployed."""
    folder = tmp_path_factory.mktemp("fresh")
    (folder / "cdk.json").write_text(SHIPPED.read_text(encoding="utf-8"))
    with pytest.MonkeyPatch.context() as patch:
        point_at(bootstrapped.port, patch)
        patch.chdir(folder)
        return {finding.name: finding for finding in preflight.findings("fresh")}


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
