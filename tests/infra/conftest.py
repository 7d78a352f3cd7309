"""The stacks of one stage, synthesised once, as app.py composes them."""

import datetime as dt
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

import app as entry

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE: dict[str, Any] = json.loads(Path(__file__).with_name("example.context.json").read_text(encoding="utf-8"))
MODEL, LEASE = EXAMPLE["model:dev"], EXAMPLE["lease:dev"]
NOW = dt.datetime(2026, 11, 24, 10, tzinfo=dt.UTC)
STACKS = ("Storage", "Endpoint", "Api", "Observability")

Context = dict[str, Any]
Synth = Callable[..., dict[str, Template]]


def context(**changes: Any) -> Context:
    """Return cdk.json's context with `changes`; the stage has a model."""
    given: Context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"] | changes
    return {f"model:{given['stage']}": MODEL, f"lease:{given['stage']}": LEASE} | given


@cache
def synthesise(changes: tuple[tuple[str, Any], ...] = ()) -> dict[str, Template]:
    """Return the templates of the stacks by their part's name."""
    app = cdk.App(context=context(**dict(changes)), analytics_reporting=False)
    entry.compose(app, NOW)
    stacks = {stack.stack_name.rsplit("-", 1)[-1]: stack for stack in app.node.children if isinstance(stack, cdk.Stack)}
    return {part: Template.from_stack(stack) for part, stack in stacks.items()}


@pytest.fixture(scope="session")
def synth() -> Synth:
    """Synthesise with some settings changed."""
    return lambda **changes: synthesise(tuple(sorted(changes.items())))


@pytest.fixture(scope="session")
def templates(synth: Synth) -> dict[str, Template]:
    """The templates with the settings of cdk.json."""
    return synth()


@pytest.fixture(scope="session")
def storage(templates: dict[str, Template]) -> Template:
    return templates["Storage"]


@pytest.fixture(scope="session")
def endpoint(templates: dict[str, Template]) -> Template:
    return templates["Endpoint"]


@pytest.fixture(scope="session")
def api(templates: dict[str, Template]) -> Template:
    return templates["Api"]


def resources(template: Template, kind: str) -> list[dict[str, Any]]:
    """Return the resources of one type."""
    return list(template.find_resources(kind).values())


def properties(template: Template, kind: str) -> list[dict[str, Any]]:
    """Return the properties of the resources of one type."""
    return [resource["Properties"] for resource in resources(template, kind)]
