"""What the tests of preflight share: its findings, and the account that it looks at."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from localaws.environment import client_environment
from ml import preflight
from ml.aws import clients

SHIPPED = Path(__file__).resolve().parents[3] / "cdk.json"


def point_at(port: int, patch: pytest.MonkeyPatch) -> None:
    """Point the environment at a localaws."""
    patch.delenv("AWS_PROFILE", raising=False)
    for name, value in client_environment(port).items():
        patch.setenv(name, value)


def state_of(check: Callable[..., str], *arguments: Any) -> tuple[str, str]:
    """Return state and message of what a check finds."""
    finding = preflight.result("check", lambda: check(*arguments))
    return finding.state, finding.message


def give_up_quickly(patch: pytest.MonkeyPatch) -> None:
    """Let the clients try each call once."""
    once = Config(retries={"mode": "standard", "max_attempts": 1}, connect_timeout=1)
    patch.setattr(clients, "CONFIG", clients.CONFIG.merge(once))
