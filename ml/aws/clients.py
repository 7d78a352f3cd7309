"""boto3 clients, and calls that are repeated after a lost connection."""

import functools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

import boto3
import botocore.exceptions
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader, create_loader

from ml.errors import UserError

CONFIG = Config(
    retries={"mode": "adaptive", "max_attempts": 8}, max_pool_connections=32, connect_timeout=10, read_timeout=60
)

CONNECTION_ERRORS = (botocore.exceptions.ConnectionError, botocore.exceptions.HTTPClientError)
"""Errors of boto3 for a connection that is refused, breaks or times out."""
PATIENCE_SECONDS = 60.0
Answer = TypeVar("Answer")
CLI_FILES = {"AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials", "AWS_CONFIG_FILE": "~/.aws/config"}
"""The AWS CLI's files: the variables that name them, and their default paths."""
PROFILE: ContextVar[str | None] = ContextVar("profile", default=None)
"""The profile of the AWS CLI whose credentials and region new clients use; None for the environment's."""


def client(service: str) -> Any:
    """Return a client in the session's region; AWS_ENDPOINT_URL and the usual variables apply.

    Making a client takes 30 ms of processor time. A service has one until the environment or the AWS CLI's files
    change. A forked process has its own.
    """
    variables = tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))
    files = tuple(last_change(os.environ.get(name, path)) for name, path in CLI_FILES.items())
    return cached_client(service, PROFILE.get(), os.getpid(), (*variables, *files))


@functools.cache
def cached_client(service: str, profile: str | None, process: int, credentials: tuple[Any, ...]) -> Any:
    """Return the client of a service for a profile, a process, and what its credentials come from."""
    return session().client(service, config=CONFIG)


def last_change(path: str) -> int | None:
    """Return when a file was written, in nanoseconds; None if it does not exist."""
    try:
        return Path(path).expanduser().stat().st_mtime_ns
    except OSError:
        return None


def session() -> boto3.session.Session:
    """Return a session; like the CLI and the CDK, and unlike boto3, it reads AWS_REGION, after a profile's region."""
    core = botocore.session.get_session()
    core.register_component("data_loader", service_models(core.get_config_variable("data_path")))
    region_name = os.environ.get("AWS_REGION") or None
    if profile := PROFILE.get():
        core.set_config_variable("profile", profile)
        region_name = core.get_scoped_config().get("region") or region_name
    return boto3.session.Session(region_name=region_name, botocore_session=core)


@contextmanager
def using_profile(name: str | None) -> Iterator[None]:
    """Create the block's clients with the credentials and the region of a profile; None changes nothing."""
    token = PROFILE.set(name or PROFILE.get())
    try:
        yield
    finally:
        PROFILE.reset(token)


@functools.cache
def service_models(data_path: str | None) -> Loader:
    """Return the loader that all sessions share; a loader of its own parses SageMaker's model for 0.1 s."""
    return create_loader(data_path)


def retry_on_connection_error(ask: Callable[[], Answer], pause: float) -> Answer:
    """Return the answer of a call, which is repeated for up to a minute while the connection is lost.

    Args:
        pause: seconds between two tries.

    Raises:
        botocore.exceptions.BotoCoreError: one of CONNECTION_ERRORS, after that minute.
    """
    for _ in range(round(PATIENCE_SECONDS / pause)):
        try:
            return ask()
        except CONNECTION_ERRORS:
            time.sleep(pause)
    return ask()


def description(describe: Callable[[], dict[str, Any]], job: str, pause: float) -> dict[str, Any]:
    """Return the description of a job.

    Args:
        describe: the call, without arguments.
        job: kind and name, for the sentence.
        pause: seconds between two tries when the connection is lost.

    Raises:
        UserError: there is no such job.
    """
    try:
        return retry_on_connection_error(describe, pause)
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
            raise
        raise UserError(f"There is no {job} in {region()}: {error.response['Error']['Message']}", 2) from error


def region() -> str:
    """Return the session's region.

    Raises:
        botocore.exceptions.NoRegionError: none is set.
    """
    name = session().region_name
    if not name:
        raise botocore.exceptions.NoRegionError
    return str(name)
