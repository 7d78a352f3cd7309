"""Asking AWS: what is lost on the way is asked again."""

import os
from pathlib import Path

import botocore.exceptions
import pytest

from ml.aws import clients
from ml.aws.clients import forget
from ml.cli import run_command

CONNECTION_ERRORS = (
    botocore.exceptions.EndpointConnectionError(endpoint_url="http://x"),
    botocore.exceptions.ConnectTimeoutError(endpoint_url="http://x"),
    botocore.exceptions.ReadTimeoutError(endpoint_url="http://x"),
    botocore.exceptions.ConnectionClosedError(endpoint_url="http://x"),
)


def test_every_kind_of_lost_connection_is_asked_again() -> None:
    replies: list[Exception | str] = [*CONNECTION_ERRORS, "answer"]

    def ask() -> str:
        reply = replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    assert clients.retry_on_connection_error(ask, 0.001) == "answer"
    assert replies == []


def test_a_connection_that_stays_lost_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "PATIENCE_SECONDS", 0.01)
    calls = []

    def ask() -> None:
        calls.append(1)
        raise CONNECTION_ERRORS[2]

    with pytest.raises(botocore.exceptions.ReadTimeoutError):
        clients.retry_on_connection_error(ask, 0.001)
    assert len(calls) == 11


def test_a_refusal_is_not_asked_again() -> None:
    calls = []

    def ask() -> None:
        calls.append(1)
        raise botocore.exceptions.ClientError({"Error": {"Code": "AccessDenied"}}, "DescribeTrainingJob")

    with pytest.raises(botocore.exceptions.ClientError):
        clients.retry_on_connection_error(ask, 0.001)
    assert len(calls) == 1


def test_a_command_has_one_client_of_a_service_and_the_next_one_reads_the_credentials_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setattr(clients, "forget", forget)
    used = []

    def command() -> None:
        client = clients.client("sts")
        assert clients.client("sts") is client
        used.append(client._request_signer._credentials.access_key)

    for key in ("FIRST", "SECOND"):
        file.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\nregion = us-east-1\n")
        assert run_command(command) == 0
    assert used == ["FIRST", "SECOND"]
