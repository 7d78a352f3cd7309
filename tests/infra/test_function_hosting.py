"""With hosting=function, the API's function runs the model: no endpoint, no lease, and a role that reads one graph."""

from typing import Any

import pytest
from aws_cdk.assertions import Template

from infra import resolution
from infra.errors import SettingsError

from .builders import MODEL, Synth, arn_text, as_list, compose, context, properties, resources, statements, variables

GRAPH = MODEL["graph"]


@pytest.fixture(scope="module")
def templates(synth: Synth) -> dict[str, Template]:
    return synth(hosting="function")


def function(template: Template) -> dict[str, Any]:
    (only,) = properties(template, "AWS::Lambda::Function")
    return only


def test_the_endpoint_stack_has_no_resource(templates: dict[str, Template]) -> None:
    """`cdk deploy` deletes a stack without resources, or skips it if it does not exist."""
    assert "Resources" not in templates["Endpoint"].to_json()
    for template in templates.values():
        types = {resource["Type"] for resource in template.to_json().get("Resources", {}).values()}
        assert not [name for name in types if name.startswith(("AWS::SageMaker", "AWS::Scheduler", "AWS::Application"))]


def test_the_function_runs_on_x86_with_memory_for_the_model(synth: Synth, templates: dict[str, Template]) -> None:
    assert (function(templates["Api"])["Architectures"], function(templates["Api"])["MemorySize"]) == (["x86_64"], 3008)
    assert function(synth(hosting="function", function_memory_mb="5000")["Api"])["MemorySize"] == 5000
    proxy = function(synth()["Api"])
    assert (proxy["Architectures"], proxy["MemorySize"]) == (["arm64"], 1024)
    assert function(templates["Api"])["Code"] != proxy["Code"]


def test_the_function_gets_the_graph_and_its_hash_and_neither_endpoint_nor_lease(
    templates: dict[str, Template],
) -> None:
    given = variables(templates["Api"])
    assert (given["GRAPH_URI"], given["GRAPH_SHA256"]) == (GRAPH["uri"], GRAPH["sha256"])
    assert "ENDPOINT_NAME" not in given
    assert (given["LEASE_SCHEDULE"], given["LEASE_ENDS"]) == ("", "")
    assert templates["Api"].to_json()["Outputs"]["GraphSha256"]["Value"] == GRAPH["sha256"]


def test_its_role_reads_the_graph_and_cannot_call_an_endpoint_or_see_a_lease(templates: dict[str, Template]) -> None:
    granted = {
        (action, arn_text(resource))
        for statement in statements(templates["Api"])
        for action in as_list(statement["Action"])
        for resource in as_list(statement.get("Resource", []))
    }
    assert ("s3:GetObject", f"arn:<Partition>:s3:::{GRAPH['uri'].removeprefix('s3://')}") in granted
    assert not [action for action, _ in granted if action.startswith(("sagemaker:", "scheduler:"))]


def test_the_key_of_the_stage_decrypts_the_graph(synth: Synth) -> None:
    granted = [
        statement for statement in statements(synth(hosting="function", kms="create")["Api"])
        if "kms:Decrypt" in as_list(statement["Action"])
    ]  # fmt: skip
    assert len(granted) == 1


def test_the_alarms_are_those_of_the_api_and_its_function(templates: dict[str, Template], synth: Synth) -> None:
    def metrics(template: Template) -> set[str]:
        return {alarm["MetricName"] for alarm in properties(template, "AWS::CloudWatch::Alarm")}

    assert metrics(templates["Observability"]) == {"5XXError", "Errors", "Throttles", "Latency"}
    assert metrics(synth()["Observability"]) > metrics(templates["Observability"])
    (board,) = resources(templates["Observability"], "AWS::CloudWatch::Dashboard")
    assert "AWS/SageMaker" not in str(board)


def test_a_model_that_was_not_exported_has_no_api_and_a_line_says_how_to_export_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = {name: value for name, value in MODEL.items() if name != "graph"}
    assert list(compose(context(hosting="function", **{"model:dev": model}))) == ["Storage"]
    assert "python -m ml.export --stage dev" in capsys.readouterr().err


def test_no_lease_is_needed_in_context() -> None:
    given = context(hosting="function")
    del given["lease:dev"]
    assert "Api" in compose(given)


@pytest.mark.parametrize("uri", ["s3://bucket/model.tar.gz", "training/job/model.onnx"])
def test_a_graph_that_is_no_graph_is_refused(uri: str) -> None:
    with pytest.raises(SettingsError, match=r"model\.onnx") as caught:
        compose(context(**{"model:dev": MODEL | {"graph": GRAPH | {"uri": uri}}}))
    assert uri in str(caught.value)


@pytest.mark.parametrize(
    "other", [{"data_capture_percent": "5"}, {"vpc_subnets": "subnet-01234567,subnet-01234568",
              "vpc_security_groups": "sg-01234567"}],
)  # fmt: skip
def test_settings_of_instances_are_refused(other: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="hosting is function"):
        resolution.read(context(hosting="function", **other))
