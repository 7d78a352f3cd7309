"""Asking AWS: what is lost on the way is asked again."""

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
