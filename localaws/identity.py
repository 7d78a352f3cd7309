"""The caller of a request, and the temporary credentials of a role."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """The principal behind a request.

    Attributes:
        account: 12-digit account id.
        region: the region in the request's SigV4 scope.
        principal_arn: such as arn:aws:sts::123456789012:assumed-role/Role/session.
        access_key: the access key id that signed the request. MiniStack finds the policies by it.
    """

    account: str
    region: str
    principal_arn: str
    access_key: str


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of a role."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: dt.datetime
