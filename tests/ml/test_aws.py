"""Asking AWS: what is lost on the way is asked again."""

import os
from pathlib import Path

import botocore.exceptions
import pytest

from ml.aws import clients

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


def test_a_service_has_one_client_until_the_credentials_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    for key in ("FIRST", "SECOND"):
        file.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = secret\nregion = us-east-1\n")
        client = clients.client("sts")
        assert client._request_signer._credentials.access_key == key
        assert clients.client("sts") is client
