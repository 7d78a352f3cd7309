"""The lease: when and by whom the endpoint is deleted, and what a deployment does to a lease that is over."""

import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

import app as entry
from infra import lease_schedule, settings
from infra.errors import SettingsError

from .conftest import LEASE, NOW, Synth, context, properties, resources
from .test_wildcards import text

OVER = {"ends": "2026-11-24T09:59:59", "number": 1}


def endpoint_stack(written: Any = LEASE, **changes: Any) -> Template:
    """Return the endpoint stack's template with a lease in context."""
    return synthesised(written, **changes)["Endpoint"]


def synthesised(written: Any, **changes: Any) -> dict[str, Template]:
    app = cdk.App(context=context(**changes) | {"lease:dev": written}, analytics_reporting=False)
    entry.compose(app, NOW)
    stacks = [stack for stack in app.node.children if isinstance(stack, cdk.Stack)]
    return {stack.stack_name.rsplit("-", 1)[-1]: Template.from_stack(stack) for stack in stacks}


def end_parameters(template: Template) -> dict[str, Any]:
    """Return the template's parameters for the lease, by name."""
    return {name: one for name, one in template.find_parameters("*").items() if name.startswith("Lease")}


def test_the_lease_deletes_this_endpoint_at_its_end_and_can_do_nothing_else(endpoint: Template) -> None:
    (schedule,) = properties(endpoint, "AWS::Scheduler::Schedule")
    ((name, parameter),) = end_parameters(endpoint).items()
    assert schedule["ScheduleExpression"] == {"Fn::Join": ["", ["at(", {"Ref": name}, ")"]]}
    assert parameter["Default"] == LEASE["ends"]
    assert schedule["Target"]["Input"] == '{"EndpointName": "pneumonia-dev"}'
    assert str(schedule["Target"]["Arn"]).endswith(":scheduler:::aws-sdk:sagemaker:deleteEndpoint']]}")
    (policy,) = properties(endpoint, "AWS::IAM::Policy")
    found = {one["Action"]: text(one["Resource"]) for one in policy["PolicyDocument"]["Statement"]}
    assert found == {
        "sagemaker:DeleteEndpoint": "arn:aws:sagemaker:us-east-1:<AccountId>:endpoint/pneumonia-dev",
        "sqs:SendMessage": "<LeaseFailures>",
    }


def test_where_the_endpoint_scales_the_lease_may_also_stop_that(synth: Synth) -> None:
    (policy,) = properties(synth(autoscaling_max_instances="4")["Endpoint"], "AWS::IAM::Policy")
    (grant,) = (one for one in policy["PolicyDocument"]["Statement"] if "autoscaling" in one["Action"])
    assert grant["Action"] == "application-autoscaling:DeregisterScalableTarget"
    assert text(grant["Resource"]).endswith(":application-autoscaling:us-east-1:<AccountId>:scalable-target/*")
    assert grant["Condition"]["StringEquals"] == {
        "application-autoscaling:service-namespace": "sagemaker",
        "application-autoscaling:scalable-dimension": "sagemaker:variant:DesiredInstanceCount",
    }


def test_only_this_accounts_schedules_take_the_leases_role_and_none_before_it_has_its_grants(
    endpoint: Template,
) -> None:
    (role,) = properties(endpoint, "AWS::IAM::Role")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    (schedule,) = resources(endpoint, "AWS::Scheduler::Schedule")
    assert set(endpoint.find_resources("AWS::IAM::Policy")) < set(schedule["DependsOn"])


def test_what_the_schedule_could_not_do_is_kept_encrypted_for_14_days(endpoint: Template) -> None:
    ((name, queue),) = endpoint.find_resources("AWS::SQS::Queue").items()
    assert queue["Properties"]["SqsManagedSseEnabled"] is True
    assert queue["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600
    (schedule,) = properties(endpoint, "AWS::Scheduler::Schedule")
    assert schedule["Target"]["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [name, "Arn"]}}
    (policy,) = properties(endpoint, "AWS::SQS::QueuePolicy")
    (denial,) = policy["PolicyDocument"]["Statement"]
    assert (denial["Effect"], denial["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_the_next_lease_is_for_an_endpoint_of_another_name_and_all_ask_it() -> None:
    second = synthesised({"ends": "2026-11-25T18:00:00", "number": 2})
    (found,) = properties(second["Endpoint"], "AWS::SageMaker::Endpoint")
    (function,) = properties(second["Api"], "AWS::Lambda::Function")
    assert found["EndpointName"] == function["Environment"]["Variables"]["ENDPOINT_NAME"] == "pneumonia-dev-2"
    (schedule,) = properties(second["Endpoint"], "AWS::Scheduler::Schedule")
    assert schedule["Target"]["Input"] == '{"EndpointName": "pneumonia-dev-2"}'


def test_another_time_keeps_the_parameter_whose_value_stays_and_another_endpoint_has_a_new_one() -> None:
    first, extended = endpoint_stack(), endpoint_stack(LEASE | {"ends": "2026-11-25T01:00:00"})
    renewed = endpoint_stack({"ends": "2026-11-25T01:00:00", "number": 2})
    assert end_parameters(first).keys() == end_parameters(extended).keys()
    assert first.to_json()["Resources"] == extended.to_json()["Resources"]
    assert end_parameters(first).keys().isdisjoint(end_parameters(renewed))


@pytest.mark.parametrize("ends", ["2026-11-24T09:59:59", "2026-11-24T10:00:00"])
def test_a_lease_that_is_over_cannot_be_deployed_and_a_line_says_when_it_ended_and_what_to_do(
    ends: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = end_parameters(endpoint_stack(OVER | {"ends": ends}))
    assert list(parameters) == ["LeaseIsOver"]
    assert "Default" not in parameters["LeaseIsOver"]
    told = capsys.readouterr().err
    assert f"ended at {ends} UTC" in told
    assert "`python -m ml.lease extend --stage dev`" in told


def test_a_lease_that_is_ahead_or_a_stage_without_one_is_deployed_without_a_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "Default" in next(
        iter(end_parameters(endpoint_stack({"ends": "2026-11-24T10:00:01", "number": 1})).values())
    )
    assert end_parameters(endpoint_stack(OVER, lease_hours="0")) == {}
    assert "ended at" not in capsys.readouterr().err


def test_without_leases_nothing_deletes_the_endpoint(synth: Synth) -> None:
    kept = synth(lease_hours="0")["Endpoint"]
    for kind in ("AWS::Scheduler::Schedule", "AWS::IAM::Role", "AWS::SQS::Queue"):
        kept.resource_count_is(kind, 0)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (None, "holds no lease. Run `python -m ml.lease extend --stage dev`"),
        ({"ends": "tomorrow", "number": 1}, "'tomorrow'"),
        ({"ends": "2026-13-45T99:99:99", "number": 1}, "'2026-13-45T99:99:99'"),
        ({"ends": 20261124, "number": 1}, "a UTC time such as 2026-11-24T18:00:00"),
        ({"ends": "2026-11-24T18:00:00", "number": 0}, "number, from 1 to 9999"),
        ("2026-11-24T18:00:00", "it must have ends"),
    ],
)
def test_a_missing_or_broken_lease_is_refused_with_the_command_that_writes_one(found: Any, told: str) -> None:
    given = {"lease:dev": found} if found is not None else {}
    with pytest.raises(SettingsError, match=re.escape(told)) as refused:
        lease_schedule.read(given, settings.read(context()), NOW)
    assert "python -m ml.lease extend --stage dev" in str(refused.value)
