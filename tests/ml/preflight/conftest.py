"""A bootstrapped account whose only stack is the storage stack of STAGE, and a project with the shipped settings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ml import preflight_checks
from tests.localaws.server.builders import Server

from .builders import SHIPPED, point_at


@pytest.fixture
def settings(project: Path) -> Path:
    """The shipped settings in an empty project; return its cdk.json."""
    path = project / "cdk.json"
    path.write_text(SHIPPED.read_text(encoding="utf-8"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def bootstrapped(server: Server) -> Iterator[Server]:
    """A bootstrapped account whose only stack is the storage stack of STAGE."""
    ssm = server.client("ssm")
    ssm.put_parameter(Name=preflight_checks.BOOTSTRAP, Value="30", Type="String", Overwrite=True)
    yield server
    ssm.delete_parameter(Name=preflight_checks.BOOTSTRAP)


@pytest.fixture
def account(bootstrapped: Server, settings: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The account that the environment points at."""
    point_at(bootstrapped.port, monkeypatch)
    return bootstrapped
