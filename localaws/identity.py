"""Who calls, and what IAM lets them do: SageMaker's side of MiniStack's policy evaluator."""

import contextvars
import datetime as dt
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from localaws.errors import ServiceError

JOB_SESSION_SECONDS = 12 * 3600
"""A job's credentials outlive the longest run anyone waits for on a laptop."""
PRINCIPAL_SECONDS = 0.2
"""How long a principal's policies are taken as they were: IAM in AWS takes seconds to let a change act."""


@dataclass(frozen=True)
class Caller:
    """The principal behind a request.

    Attributes:
        account: 12-digit account id.
        region: the region in the request's SigV4 scope.
        principal_arn: such as arn:aws:sts::123456789012:assumed-role/Role/session.
        access_key: the access key id that signed; MiniStack looks policies up by it.
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


class Authorizer:
    """Asks MiniStack's IAM evaluator, the one its own services are guarded by."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Any]] = {}

    def require(self, caller: Caller, action: str, resource_arn: str, context: Mapping[str, str] | None = None) -> None:
        """Return when `caller` may do `action` on `resource_arn`.

        Args:
            context: further condition keys, such as {"iam:PassedToService": "sagemaker.amazonaws.com"}.

        Raises:
            ServiceError: AccessDeniedException, in AWS's words.
        """
        from ministack.core.iam_evaluator import (
            AuthError,
            EvalContext,
            _resource_policy,
            combine_resource_policy,
            evaluate,
        )

        with account_scope(caller.account, caller.region):
            principal = self._principal(caller)
            if isinstance(principal, AuthError):
                raise ServiceError(principal.code, principal.message, 403)
            if principal.policies is None:
                return
            keys: dict[str, Any] = {name.lower(): value for name, value in (context or {}).items()}
            keys.setdefault("aws:tagkeys", None)
            request = EvalContext(
                principal_arn=principal.arn,
                principal_type=principal.type,
                principal_account=principal.account,
                action=action,
                resource_arn=resource_arn,
                region=caller.region,
                # A caller on the loopback interface stands for one who came by TLS.
                secure_transport=True,
                service_context=keys,
                principal_keys=principal.keys,
            )
            found = evaluate(request, principal.policies, *principal.limits)
            policy = _resource_policy(action.partition(":")[0], resource_arn)
            if policy is not None:
                found = combine_resource_policy(found, request, *policy, limits=principal.limits)
        decision = found.decision
        if decision == "Allow":
            return
        reason = (
            "with an explicit deny in an identity-based policy"
            if decision == "Deny"
            else f"because no identity-based policy allows the {action} action"
        )
        raise ServiceError(
            "AccessDeniedException",
            f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource_arn} {reason}",
            400 if action.startswith("sagemaker:") else 403,
        )

    def _principal(self, caller: Caller) -> Any:
        """Return who the caller is, with their policies, as they were at most PRINCIPAL_SECONDS ago."""
        from ministack.core.iam_evaluator import resolve_principal

        now = time.monotonic()
        since, principal = self._kept.get(caller.access_key, (-PRINCIPAL_SECONDS, None))
        if now - since >= PRINCIPAL_SECONDS:
            principal = resolve_principal(caller.access_key, caller.account)
            self._kept = {key: one for key, one in self._kept.items() if now - one[0] < PRINCIPAL_SECONDS}
            self._kept[caller.access_key] = (now, principal)
        return principal

    def role_credentials(
        self, role_arn: str, session_name: str, service: str = "sagemaker.amazonaws.com"
    ) -> Credentials:
        """Return temporary credentials of `role_arn`, as an AWS service gets them.

        Raises:
            ServiceError: ValidationException when the role does not exist or does not trust the service.
        """
        from ministack.services import iam, sts

        account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
        role = iam._roles.get_scoped(account, None, name)
        if role is None or not trusts(role, service, account):
            raise ServiceError(
                "ValidationException",
                f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
                f"'{service}' to assume the role.",
            )
        key, secret, token = "ASIA" + secrets.token_hex(8).upper(), secrets.token_hex(20), secrets.token_urlsafe(96)
        expires = time.time() + JOB_SESSION_SECONDS
        sts.register_session(
            key,
            {
                "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session_name[:64]}",
                "UserId": f"{role.get('RoleId', name)}:{session_name[:64]}",
                "SecretAccessKey": secret,
                "SessionToken": token,
                "Expiration": expires,
                "AccountId": account,
                "PrincipalType": "AssumedRole",
            },
        )
        return Credentials(key, secret, token, dt.datetime.fromtimestamp(expires, dt.UTC))


def trusts(role: Mapping[str, Any], service: str, account: str) -> bool:
    """Return whether a MiniStack role record lets a service assume it for `account`, and denies it nowhere."""
    from ministack.core.iam_evaluator import (
        EvalContext,
        _action_matches,
        _conditions_met,
        _service_principal_matches,
    )

    document = role.get("AssumeRolePolicyDocument", "{}")
    statements = (json.loads(document) if isinstance(document, str) else document).get("Statement", [])
    keys = {"aws:sourceaccount": account}
    request = EvalContext(service, "Service", account, "sts:AssumeRole", "*", "", service_context=keys)
    effects = set()
    for statement in [statements] if isinstance(statements, dict) else statements:
        actions = statement.get("Action", [])
        named = _service_principal_matches(statement.get("Principal"), service)
        applies = named and _conditions_met(statement.get("Condition", {}), request)
        if applies and _action_matches("sts:AssumeRole", [actions] if isinstance(actions, str) else actions, []):
            effects.add(statement.get("Effect"))
    return effects == {"Allow"}


@contextmanager
def account_scope(account: str, region: str) -> Iterator[None]:
    """Run a block as a request to `account` in `region`: MiniStack's stores are scoped by both."""
    from ministack.core import responses

    account_var: contextvars.ContextVar[str] = responses._request_account_id
    region_var: contextvars.ContextVar[str] = responses._request_region
    account_token, region_token = account_var.set(account), region_var.set(region)
    try:
        yield
    finally:
        account_var.reset(account_token)
        region_var.reset(region_token)
