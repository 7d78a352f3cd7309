"""A change of a setting on a deployed stage either can be deployed, or `ml.preflight` refuses it."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from aws_cdk.assertions import Template

from infra import resolution
from localaws.errors import ServiceError
from localaws.sagemaker.checks.hosting import check_update
from ml import setting_changes

from .builders import Synth, context, properties, schema

SCALING = {"autoscaling_max_instances": "4"}
FUNCTION = {"hosting": "function"}
CHANGES: list[tuple[dict[str, str], dict[str, str], str]] = [
    ({}, {"hosting": "serverless"}, "hosting"),
    ({"hosting": "serverless"}, {}, "hosting"),
    (SCALING, {"hosting": "serverless"}, "hosting"),
    ({}, FUNCTION, ""),
    (SCALING | {"kms": "create"}, FUNCTION | {"kms": "create"}, ""),
    ({"hosting": "serverless"}, FUNCTION, ""),
    (FUNCTION, {}, ""),
    (FUNCTION, {"hosting": "serverless"}, ""),
    (FUNCTION, {"lease_hours": "0"}, ""),
    ({}, {"kms": "create"}, ""),
    ({"kms": "create"}, {}, "kms"),
    ({}, {"auth": "iam"}, ""),
    ({"auth": "iam"}, {}, ""),
    ({}, {"instance_type": "ml.c5.large"}, ""),
    (SCALING, SCALING | {"instance_type": "ml.c5.large"}, "instance_type"),
    (SCALING, {"instance_type": "ml.c5.large"}, "instance_type"),
    ({}, SCALING | {"instance_type": "ml.c5.large"}, ""),
    (SCALING, {}, ""),
    ({}, {"lease_hours": "0"}, ""),
    ({"lease_hours": "0"}, {}, "lease_hours"),
    ({}, {"retain_data": "true"}, ""),
    ({"retain_data": "true"}, {}, "retain_data"),
    ({}, {"region": "eu-west-1"}, "region"),
    ({}, {"waf": "true"}, ""),
    ({"waf": "true"}, {}, ""),
    ({}, {"cors_origins": "https://app.example.org"}, ""),
    ({"cors_origins": "https://app.example.org"}, {}, ""),
    ({}, {"alarms_email": "ward@example.org", "budget_monthly_usd": "50"}, ""),
    ({"alarms_email": "ward@example.org"}, {"alarms_email": "it@example.org"}, ""),
    ({}, {"data_capture_percent": "5"}, ""),
    ({}, {"rollback_wait_minutes": "0"}, ""),
]
"""Settings before and after, and the setting whose change is refused."""


def recorded(templates: dict[str, Template]) -> dict[str, Any]:
    """Return the settings in the outputs of the stacks that are deployed. A stack without resources is not."""
    documents = [templates[part].to_json() for part in setting_changes.STACKS]
    values = [document["Outputs"]["Settings"]["Value"] for document in documents if document.get("Resources")]
    return {name: value for text in values for name, value in json.loads(text).items()}


def planned(deployed: dict[str, Any], changes: dict[str, str]) -> dict[str, Any]:
    """Return the recorded settings as a deployment with these changes would record them."""
    values = resolution.read(context(**changes)).model_dump()
    return {name: values[name] for name in deployed}


def aws_refusals(before: dict[str, Template], after: dict[str, Template]) -> Iterator[str]:
    """Yield what CloudFormation and SageMaker refuse when `after` is deployed over `before`."""
    imports = {name for template in before.values() for name in imported(template.to_json())}
    for part, template in before.items():
        if part in after:
            yield from sorted(imports & exported(template) - exported(after[part]))
            yield from replaced_under_the_same_name(template, after[part])
    yield from endpoint_refusals(before["Endpoint"], after["Endpoint"])


def imported(value: Any) -> Iterator[str]:
    """Yield the names of all imported exports within a value."""
    if isinstance(value, dict):
        if "Fn::ImportValue" in value:
            yield value["Fn::ImportValue"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from imported(item)


def exported(template: Template) -> set[str]:
    return {output["Export"]["Name"] for output in template.to_json().get("Outputs", {}).values() if "Export" in output}


def replaced_under_the_same_name(before: Template, after: Template) -> Iterator[str]:
    """Yield the resources that need replacing and keep the name that the template gives them.

    The schemas that cfn-lint ships say which properties are create-only, and which of them are the identifier.
    """
    new = after.to_json().get("Resources", {})
    for logical_id, resource in before.to_json().get("Resources", {}).items():
        other = new.get(logical_id)
        if other is None or other["Type"] != resource["Type"] or resource["Type"].startswith("Custom::"):
            continue
        declared = schema(resource["Type"])
        old_values, new_values = resource.get("Properties", {}), other.get("Properties", {})
        fixed = {path.split("/")[2] for path in declared.get("createOnlyProperties", [])}
        identity = {path.split("/")[2] for path in declared["primaryIdentifier"]} & old_values.keys()
        changed = {name for name in fixed if old_values.get(name) != new_values.get(name)}
        if changed and identity and not identity & changed:
            yield f"{logical_id} {sorted(changed)}"


def endpoint_refusals(before: Template, after: Template) -> Iterator[str]:
    """Yield what UpdateEndpoint refuses, and a change from serverless to instances, which no document allows."""
    configs = [properties(template, "AWS::SageMaker::EndpointConfig") for template in (before, after)]
    if not all(configs):
        return  # the endpoint is created or deleted
    (old,), (new,) = configs
    targets = properties(before, "AWS::ApplicationAutoScaling::ScalableTarget")
    scaled = [target["ResourceId"].split("/")[3] for target in targets]
    try:
        check_update("endpoint", old, new, scaled)
    except ServiceError as error:
        yield error.message
    (old_variant,), (new_variant,) = old["ProductionVariants"], new["ProductionVariants"]
    if "ServerlessConfig" in old_variant and "ServerlessConfig" not in new_variant:
        yield "serverless to instances"


@pytest.mark.parametrize(("before", "after", "refused"), CHANGES)
def test_a_change_is_refused_before_the_deployment_if_aws_refuses_it_or_it_does_harm(
    synth: Synth, before: dict[str, str], after: dict[str, str], refused: str
) -> None:
    old, new = synth(**before), synth(**after)
    rules = setting_changes.violations(recorded(old), planned(recorded(old), after))
    assert {rule.setting for rule in rules} == ({refused} if refused else set())
    if not refused:
        assert list(aws_refusals(old, new)) == []


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [change for change in CHANGES if change[2] in ("hosting", "instance_type", "kms", "retain_data")],
)
def test_the_refusals_of_aws_are_seen_in_the_templates(
    synth: Synth, before: dict[str, str], after: dict[str, str], refused: str
) -> None:
    assert list(aws_refusals(synth(**before), synth(**after))), refused


def test_a_scaling_endpoint_changes_its_instance_type_in_two_deployments(synth: Synth) -> None:
    steps = [SCALING, {}, SCALING | {"instance_type": "ml.c5.large"}]
    for before, after in pairwise(steps):
        old, new = synth(**before), synth(**after)
        assert not setting_changes.violations(recorded(old), planned(recorded(old), after))
        assert list(aws_refusals(old, new)) == []
