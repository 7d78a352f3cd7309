"""Contexts and templates of a stage, and what the tests read from a template."""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk.assertions import Template

import app as entry

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE: dict[str, Any] = json.loads(Path(__file__).with_name("example.context.json").read_text(encoding="utf-8"))
MODEL, LEASE = EXAMPLE["model:dev"], EXAMPLE["lease:dev"]
NOW = dt.datetime(2026, 11, 24, 10, tzinfo=dt.UTC)
STACKS = ("Storage", "Endpoint", "Api", "Observability")

Context = dict[str, Any]
Synth = Callable[..., dict[str, Template]]


def shipped_context() -> Context:
    """Return the context of cdk.json."""
    return dict(json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"])


def context(**changes: Any) -> Context:
    """Return cdk.json's context with `changes`, and a model and a lease for its stage."""
    given = shipped_context() | changes
    return {f"model:{given['stage']}": MODEL, f"lease:{given['stage']}": LEASE} | given


def compose(given: Context) -> dict[str, Template]:
    """Return the templates that app.py makes of a context, by their stacks' part names."""
    app = cdk.App(context=given, analytics_reporting=False)
    entry.compose(app, NOW)
    stacks = [stack for stack in app.node.children if isinstance(stack, cdk.Stack)]
    return {stack.stack_name.rsplit("-", 1)[-1]: Template.from_stack(stack) for stack in stacks}


@cache
def synthesise(changes: tuple[tuple[str, Any], ...] = ()) -> dict[str, Template]:
    """Return the templates of a stage with some settings changed."""
    return compose(context(**dict(changes)))


def resources(template: Template, resource_type: str) -> list[dict[str, Any]]:
    """Return the resources of one type."""
    return list(template.find_resources(resource_type).values())


def properties(template: Template, resource_type: str) -> list[dict[str, Any]]:
    """Return the properties of the resources of one type."""
    return [resource["Properties"] for resource in resources(template, resource_type)]


def schema(resource_type: str) -> dict[str, Any]:
    """Return CloudFormation's schema of a resource type, which cfn-lint ships."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # its import takes a second

    return dict(PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema)


def variables(template: Template) -> dict[str, Any]:
    """Return the environment variables of the stack's only function."""
    (function,) = properties(template, "AWS::Lambda::Function")
    return dict(function["Environment"]["Variables"])


def statements(template: Template) -> list[dict[str, Any]]:
    """Return the statements of all policy documents of a template."""
    return list(statements_in(template.to_json().get("Resources", {})))


def statements_in(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the statements of all policy documents within a value."""
    if isinstance(value, dict):
        if "Statement" in value:
            yield from value["Statement"]
        for item in value.values():
            yield from statements_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from statements_in(item)


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, and any other value as a list of one."""
    return value if isinstance(value, list) else [value]


def arn_text(value: Any) -> str:
    """Return an ARN with <names> in the place of references."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        return "".join(map(arn_text, argument[1]))
    if function == "Fn::Sub":
        return re.sub(r"\$\{AWS::(\w+)\}", r"<\1>", argument)
    if function == "Fn::ImportValue":
        return f"<{argument}>"
    name = re.sub(r"[0-9A-F]{8}$", "", argument if function == "Ref" else argument[0]).removeprefix("AWS::")
    # The Arn attribute of a log group ends with ":*" (CloudFormation, AWS::Logs::LogGroup, return values).
    return f"<{name}>:*" if function == "Fn::GetAtt" and name.endswith("Logs") else f"<{name}>"
