"""The lease: its schedule and role, and deployments with a lease that is over or not valid."""

from typing import Any

import pytest
from aws_cdk.assertions import Template

from infra import lease_schedule, resolution
from infra.errors import SettingsError

from .builders import LEASE, NOW, Synth, arn_text, compose, context, properties, resources, variables

OVER = {"ends": "2026-11-24T09:59:59", "number": 1}


def endpoint_stack(lease: Any = LEASE, **changes: Any) -> Template:
    """Return the endpoint stack's template with a lease in context."""
    return compose(context(**changes) | {"lease:dev": lease})["Endpoint"]


def end_parameters(template: Template) -> dict[str, Any]:
    """Return the template's parameters for the lease, by name."""
    return {name: body for name, body in template.find_parameters("*").items() if name.startswith("Lease")}


def test_the_lease_deletes_this_endpoint_at_its_end_and_can_do_nothing_else(endpoint: Template) -> None:
    (schedule,) = properties(endpoint, "AWS::Scheduler::Schedule")
    ((name, parameter),) = end_parameters(endpoint).items()
    assert schedule["ScheduleExpression"] == {"Fn::Join": ["", ["at(", {"Ref": name}, ")"]]}
    assert parameter["Default"] == LEASE["ends"]
    assert schedule["Target"]["Input"] == '{"EndpointName": "pneumonia-dev"}'
    assert str(schedule["Target"]["Arn"]).endswith(":scheduler:::aws-sdk:sagemaker:deleteEndpoint']]}")
    (policy,) = properties(endpoint, "AWS::IAM::Policy")
    grants = {grant["Action"]: arn_text(grant["Resource"]) for grant in policy["PolicyDocument"]["Statement"]}
    assert grants == {
        "sagemaker:DeleteEndpoint": "arn:aws:sagemaker:us-east-1:<AccountId>:endpoint/pneumonia-dev",
        "sqs:SendMessage": "<LeaseFailures>",
    }


def test_where_the_endpoint_scales_the_lease_may_also_stop_that(synth: Synth) -> None:
    (policy,) = properties(synth(autoscaling_max_instances="4")["Endpoint"], "AWS::IAM::Policy")
    (grant,) = (part for part in policy["PolicyDocument"]["Statement"] if "autoscaling" in part["Action"])
    assert grant["Action"] == "application-autoscaling:DeregisterScalableTarget"
    assert arn_text(grant["Resource"]).endswith(":application-autoscaling:us-east-1:<AccountId>:scalable-target/*")
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


def test_failed_calls_of_the_schedule_are_kept_encrypted_for_14_days(endpoint: Template) -> None:
    ((name, queue),) = endpoint.find_resources("AWS::SQS::Queue").items()
    assert queue["Properties"]["SqsManagedSseEnabled"] is True
    assert queue["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600
    (schedule,) = properties(endpoint, "AWS::Scheduler::Schedule")
    assert schedule["Target"]["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [name, "Arn"]}}
    (policy,) = properties(endpoint, "AWS::SQS::QueuePolicy")
    (denial,) = policy["PolicyDocument"]["Statement"]
    assert (denial["Effect"], denial["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_the_next_lease_is_for_an_endpoint_with_another_name_which_the_proxy_uses() -> None:
    second = compose(context() | {"lease:dev": {"ends": "2026-11-25T18:00:00", "number": 2}})
    (deployed,) = properties(second["Endpoint"], "AWS::SageMaker::Endpoint")
    assert deployed["EndpointName"] == variables(second["Api"])["ENDPOINT_NAME"] == "pneumonia-dev-2"
    (schedule,) = properties(second["Endpoint"], "AWS::Scheduler::Schedule")
    assert schedule["Target"]["Input"] == '{"EndpointName": "pneumonia-dev-2"}'


def test_another_time_keeps_the_parameter_whose_value_stays_and_another_endpoint_has_a_new_one() -> None:
    first, extended = endpoint_stack(), endpoint_stack(LEASE | {"ends": "2026-11-25T01:00:00"})
    renewed = endpoint_stack({"ends": "2026-11-25T01:00:00", "number": 2})
    assert end_parameters(first).keys() == end_parameters(extended).keys()
    assert first.to_json()["Resources"] == extended.to_json()["Resources"]
    assert end_parameters(first).keys().isdisjoint(end_parameters(renewed))


@pytest.mark.parametrize("ends", ["2026-11-24T09:59:59", "2026-11-24T10:00:00"])
def test_a_lease_that_is_over_cannot_be_deployed_and_a_line_has_its_end_and_the_remedy(
    ends: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = end_parameters(endpoint_stack(OVER | {"ends": ends}))
    assert list(parameters) == ["LeaseIsOver"]
    assert "Default" not in parameters["LeaseIsOver"]
    message = capsys.readouterr().err
    assert f"{ends} UTC" in message
    assert "`python -m ml.lease extend --stage dev`" in message


def test_a_lease_that_is_not_over_and_a_stage_without_one_are_deployed_without_a_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (parameter,) = end_parameters(endpoint_stack({"ends": "2026-11-24T10:00:01", "number": 1})).values()
    assert parameter["Default"] == "2026-11-24T10:00:01"
    assert end_parameters(endpoint_stack(OVER, lease_hours="0")) == {}
    assert "ml.lease extend" not in capsys.readouterr().err


def test_without_leases_nothing_deletes_the_endpoint(synth: Synth) -> None:
    unleased = synth(lease_hours="0")["Endpoint"]
    for resource_type in ("AWS::Scheduler::Schedule", "AWS::IAM::Role", "AWS::SQS::Queue"):
        unleased.resource_count_is(resource_type, 0)


ENDS = "2026-11-24T18:00:00"


@pytest.mark.parametrize(
    "entry",
    [
        {"ends": "tomorrow", "number": 1},
        {"ends": "2026-13-45T99:99:99", "number": 1},
        {"ends": "2026-02-30T00:00:00", "number": 1},
        {"ends": "2026-11-24T18:00:00Z", "number": 1},
        {"ends": "2026-1-4T1:2:3", "number": 1},
        {"ends": "", "number": 1},
        {"ends": 20261124, "number": 1},
        {"ends": ENDS, "number": 0},
        {"ends": ENDS, "number": -1},
        {"ends": ENDS, "number": 10_000},
        {"ends": ENDS, "number": 10**30},
        {"ends": ENDS, "number": 1.5},
        {"ends": ENDS, "number": "1"},
        {"ends": ENDS, "number": True},
        {"ends": ENDS},
        {"number": 1},
        [],
        ENDS,
    ],
    ids=str,
)
def test_an_invalid_lease_is_refused_with_what_is_allowed_and_the_command_that_writes_one(entry: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        lease_schedule.read({"lease:dev": entry}, resolution.read(context()), NOW)
    for part in (f"lease:dev in cdk.context.json is {entry!r}", "2026-11-24T18:00:00", "from 1 to 9999"):
        assert part in str(caught.value)
    assert "python -m ml.lease extend --stage dev" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_lease_is_refused_unless_the_stage_has_none() -> None:
    with pytest.raises(SettingsError, match=r"lease_hours is 8 .*python -m ml\.lease extend --stage dev"):
        lease_schedule.read({}, resolution.read(context()), NOW)
    assert lease_schedule.read({}, resolution.read(context(lease_hours=0)), NOW) == lease_schedule.Lease("", 1)
