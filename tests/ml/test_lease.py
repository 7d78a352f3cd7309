"""The state of a lease is the one in AWS, and one command brings an endpoint back."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.environment import client_environment
from ml import lease, preflight_checks, setting_changes, verify
from ml import project as files
from ml.errors import UserError
from ml.leasing import entry, status
from tests.localaws.sagemaker.builders import (
    Cloud,
    make_config,
    make_endpoint,
    make_model,
    running_cloud,
    unique,
    until,
)

Settings = dict[str, Any]
LEASED: Settings = {"lease_hours": 8}
FIXED: Settings = {"lease_hours": 0}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    yield from running_cloud(tmp_path_factory.mktemp("lease") / "state")


@pytest.fixture(scope="module")
def living(account: Cloud) -> str:
    """An endpoint that is in service."""
    return make_endpoint(account, make_config(account, make_model(account)))


@pytest.fixture
def stage(account: Cloud, project: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new stage in an account, with nothing deployed."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name, value in client_environment(account.port).items():
        monkeypatch.setenv(name, value)
    name = unique("s").replace("-", "")
    (project / "cdk.json").write_text(json.dumps({"context": {"stage": name, "defaults": {"lease_hours": 8}}}))
    return name


def deploy(
    account: Cloud, stage: str, endpoint: str, ends: dt.datetime | None = None, settings: Settings | None = None
) -> None:
    """Deploy a stack with an endpoint in its outputs and, if `ends` is given, a schedule that deletes the endpoint."""
    values = {"EndpointName": endpoint, "EndpointConfigName": "any", "Settings": json.dumps(settings or {})}
    outputs = {name: {"Value": value} for name, value in values.items()}
    resources: dict[str, Any] = {"Topic": {"Type": "AWS::SNS::Topic"}}
    if ends is not None:
        target = {
            "Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:deleteEndpoint",
            "RoleArn": account.role,
            "Input": json.dumps({"EndpointName": endpoint}),
        }
        properties = {
            "Name": f"pneumonia-{stage}-lease",
            "ScheduleExpression": f"at({ends:{entry.TIME_FORMAT}})",
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target,
        }
        resources["Lease"] = {"Type": "AWS::Scheduler::Schedule", "Properties": properties}
    stacks, name = account.client("cloudformation"), f"Pneumonia-{stage}-Endpoint"
    stacks.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources, "Outputs": outputs}))
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})


def write(stage: str, hours: float, number: int = 1) -> None:
    """Write a lease that ends `hours` from now into cdk.context.json."""
    files.write(
        f"lease:{stage}", entry.as_context(entry.EndpointLease(entry.now() + dt.timedelta(hours=hours), number))
    )


def read(stage: str) -> entry.EndpointLease:
    recorded = entry.read_lease(stage)
    assert recorded is not None
    return recorded


@pytest.mark.parametrize("settings", [LEASED, FIXED])
def test_a_deployed_endpoint_that_is_gone_fails_preflight_and_verify_with_the_command_that_brings_it_back(
    account: Cloud, stage: str, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(account, stage, f"pneumonia-{stage}")
    with pytest.raises(UserError, match=f"pneumonia-{stage} ") as refused:
        preflight_checks.lease(stage, settings)
    assert f"python -m ml.lease extend --stage {stage}" in str(refused.value)
    assert verify.main(["--stage", stage]) == 1
    assert f"python -m ml.lease extend --stage {stage}" in capsys.readouterr().err
    assert "no longer exists" in status.status(stage)


@pytest.mark.parametrize("hours", [8, 0])
def test_extend_brings_a_deleted_endpoint_back_under_the_next_number_also_without_a_lease(
    account: Cloud, stage: str, hours: int, project: Path
) -> None:
    (project / "cdk.json").write_text(json.dumps({"context": {"stage": stage, "defaults": {"lease_hours": hours}}}))
    deploy(account, stage, f"pneumonia-{stage}")
    assert lease.main(["extend", "--stage", stage]) == 0
    assert read(stage).endpoint(stage) == f"pneumonia-{stage}-2"
    assert f"pneumonia-{stage}-2" in preflight_checks.lease(stage, {"lease_hours": hours})
    assert lease.main(["extend", "--stage", stage]) == 0
    assert read(stage).number == 2


def test_an_endpoint_without_a_lease_that_lives_is_not_extended(
    account: Cloud, stage: str, living: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "cdk.json").write_text(json.dumps({"context": {"stage": stage, "defaults": {"lease_hours": 0}}}))
    deploy(account, stage, living)
    assert "runs until it is deleted" in preflight_checks.lease(stage, FIXED)
    assert lease.main(["extend", "--stage", stage]) == 0
    assert "runs until it is deleted" in capsys.readouterr().out
    assert entry.read_lease(stage) is None


def test_preflight_reports_the_time_of_the_schedule_in_aws_and_not_that_of_the_file(
    account: Cloud, stage: str, living: str
) -> None:
    ends = entry.now() + dt.timedelta(hours=5)
    deploy(account, stage, living, ends)
    write(stage, 2)
    message = preflight_checks.lease(stage, LEASED)
    assert f"{ends:{entry.TIME_FORMAT}} UTC" in message
    assert "ml.lease extend" not in message
    write(stage, -2)
    with pytest.raises(preflight_checks.NotYetError) as refused:
        preflight_checks.lease(stage, LEASED)
    message = str(refused.value)
    assert living in message
    assert f"{ends:{entry.TIME_FORMAT}} UTC" in message
    assert f"python -m ml.lease extend --stage {stage}" in message


def test_without_a_deployment_a_missing_or_ended_lease_is_not_a_failure(stage: str) -> None:
    for hours in (None, -1):
        if hours is not None:
            write(stage, hours)
        with pytest.raises(preflight_checks.NotYetError, match=f"python -m ml.lease extend --stage {stage}"):
            preflight_checks.lease(stage, LEASED)
    write(stage, 3)
    assert preflight_checks.lease(stage, LEASED) == f"ends at {read(stage).ends:{entry.TIME_FORMAT}} UTC"


@pytest.mark.parametrize("hours", [8, 0])
def test_extend_keeps_the_number_of_an_endpoint_that_another_machine_brought_back(
    account: Cloud, stage: str, hours: int, project: Path
) -> None:
    (project / "cdk.json").write_text(json.dumps({"context": {"stage": stage, "defaults": {"lease_hours": hours}}}))
    name = f"pneumonia-{stage}-3"
    sagemaker, config = account.client("sagemaker"), make_config(account, make_model(account))
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    until(lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService")
    deploy(account, stage, name, entry.now() + dt.timedelta(hours=1) if hours else None)
    write(stage, -5)
    assert lease.main(["extend", "--stage", stage]) == 0
    assert read(stage).endpoint(stage) == name
    sagemaker.delete_endpoint(EndpointName=name)
    assert lease.main(["extend", "--stage", stage]) == 0
    assert read(stage).number == 4


def test_a_stage_that_is_deployed_without_a_lease_can_get_one(
    account: Cloud, stage: str, living: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`infra` refuses a stage that leases and has no lease in context: `extend` has to write one."""
    deploy(account, stage, living)
    assert lease.main(["extend", "--stage", stage]) == 0
    extended = read(stage)
    assert extended.ends > entry.now()
    message = capsys.readouterr().out
    assert living in message
    assert f"cdk deploy --all -c stage={stage}" in message
    assert f"{extended.ends:{entry.TIME_FORMAT}}" in message


@pytest.mark.parametrize(
    ("setting", "value"), [("hosting", "serverless"), ("instance_type", "ml.c5.large")], ids=["hosting", "type"]
)
def test_what_sagemaker_cannot_change_on_a_running_endpoint_is_refused_until_its_lease_has_ended(
    account: Cloud, stage: str, setting: str, value: str
) -> None:
    endpoint = make_endpoint(account, make_config(account, make_model(account)))
    scaling = {"hosting": "realtime", "instance_type": "ml.m5.large", "instance_count": 1}
    deployed = scaling | {"autoscaling_max_instances": 4, "lease_hours": 8}
    deploy(account, stage, endpoint, settings=deployed)
    with pytest.raises(UserError, match=f"{setting} .* -> {value}: .*; (run|deploy) ") as refused:
        setting_changes.compare(stage, deployed | {setting: value}, [setting])
    assert "--accept" not in str(refused.value)
    assert lease.main(["end", "--stage", stage, "--yes"]) == 0
    until(lambda: not entry.endpoint_exists(endpoint))
    assert f"-> {value}" in setting_changes.compare(stage, deployed | {setting: value}, [])


def test_a_stage_whose_function_runs_the_model_has_nothing_to_show_or_end_but_can_get_a_lease(
    account: Cloud, stage: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"hosting": "function", "lease_hours": 8}
    (project / "cdk.json").write_text(json.dumps({"context": {"stage": stage, "defaults": settings}}))
    assert lease.main(["status", "--stage", stage]) == 0
    assert lease.main(["end", "--stage", stage, "--yes"]) == 1
    shown = capsys.readouterr()
    assert (shown.out + shown.err).count("nothing to lease") == 2
    assert entry.read_lease(stage) is None
    assert lease.main(["extend", "--stage", stage]) == 0
    assert read(stage).ends > entry.now() + dt.timedelta(hours=7)


def test_an_endpoint_that_a_change_to_the_function_has_not_deleted_yet_can_be_ended(
    account: Cloud, stage: str, project: Path
) -> None:
    endpoint = make_endpoint(account, make_config(account, make_model(account)))
    deploy(account, stage, endpoint)
    settings = {"hosting": "function", "lease_hours": 8}
    (project / "cdk.json").write_text(json.dumps({"context": {"stage": stage, "defaults": settings}}))
    assert lease.main(["end", "--stage", stage, "--yes"]) == 0
    until(lambda: not entry.endpoint_exists(endpoint))
