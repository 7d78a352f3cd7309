"""The stacks of one stage, synthesised once for each set of settings, as app.py composes them."""

import pytest
from aws_cdk.assertions import Template

from .builders import Synth, synthesise


@pytest.fixture(scope="session")
def synth() -> Synth:
    """Synthesise with some settings changed."""
    return lambda **changes: synthesise(tuple(sorted(changes.items())))


@pytest.fixture(scope="session")
def templates(synth: Synth) -> dict[str, Template]:
    """Synthesise with the settings of cdk.json."""
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
