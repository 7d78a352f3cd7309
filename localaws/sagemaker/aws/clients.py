"""boto3 clients of the local AWS with an execution role's temporary credentials."""

import functools
import threading
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import ClientError

from localaws.identity import Caller
from localaws.ministack.policies import Authorizer
from localaws.ministack.role_credentials import role_credentials
from localaws.sagemaker.aws.objects import Objects

SAGEMAKER = "sagemaker.amazonaws.com"
LOADER_LOCK = threading.Lock()
"""Held while a client is created, which botocore documents as not thread-safe."""


class RoleClients:
    """Clients of one role's session. Credentials are renewed before they expire."""

    def __init__(self, authorizer: Authorizer, role_arn: str, session_name: str, region: str, url: str) -> None:
        """Get the role's credentials.

        Raises:
            ServiceError: the role does not exist or does not trust sagemaker.amazonaws.com.
        """
        self.authorizer = authorizer
        self.role_arn = role_arn
        self.session_name = session_name
        self.region = region
        self.url = url
        self.cached_clients: dict[str, Any] = {}
        self.credentials = RefreshableCredentials.create_from_metadata(
            metadata=self._fresh(), refresh_using=self._fresh, method="sagemaker-execution-role"
        )

    def _fresh(self) -> dict[str, str]:
        credentials = role_credentials(self.role_arn, self.session_name, SAGEMAKER)
        return {
            "access_key": credentials.access_key_id,
            "secret_key": credentials.secret_access_key,
            "token": credentials.session_token,
            "expiry_time": credentials.expiration.isoformat(),
        }

    def client(self, service: str) -> Any:
        """Return the client of a service, created once (botocore clients are thread-safe)."""
        with LOADER_LOCK:
            if service not in self.cached_clients:
                session = botocore.session.get_session()
                session.register_component("data_loader", models())
                session._credentials = self.credentials  # botocore has no public way to set refreshable ones
                self.cached_clients[service] = session.create_client(
                    service, region_name=self.region, endpoint_url=self.url, config=client_config()
                )
            return self.cached_clients[service]

    def objects(self) -> Objects:
        """Return S3's objects with the permissions of this role."""
        account, name = self.role_arn.split(":")[4], self.role_arn.rsplit("/", 1)[-1]
        principal = f"arn:aws:sts::{account}:assumed-role/{name}/{self.session_name}"
        key: str = self.credentials.get_frozen_credentials().access_key
        return Objects(self.authorizer, Caller(account, self.region, principal, key), self.client("s3"))


@functools.cache
def models() -> Any:
    """Return one loader of service models for all sessions. Parsing a model takes 60 ms."""
    return botocore.session.get_session().get_component("data_loader")


def client_config() -> Config:
    """Return the clients' configuration: no proxy and no checksums, because nothing leaves this machine."""
    return Config(
        proxies={},
        connect_timeout=5,
        read_timeout=60,
        retries={"max_attempts": 5, "mode": "standard"},
        max_pool_connections=32,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"},
    )


def reason(error: Exception) -> str:
    """Return "AccessDenied: Access Denied" for an AWS error, or the text of any other."""
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        return f"{details.get('Code', 'Error')}: {details.get('Message', error)}"
    return f"{type(error).__name__}: {error}"
