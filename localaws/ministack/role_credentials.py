"""Temporary credentials of an IAM role, as an AWS service gets them."""

import datetime as dt
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from localaws.errors import ServiceError
from localaws.identity import Credentials

SESSION_SECONDS = 12 * 3600
"""Lifetime of the credentials: longer than any job on a laptop."""


def role_credentials(role_arn: str, session_name: str, service: str) -> Credentials:
    """Return temporary credentials of `role_arn` for `service`, such as sagemaker.amazonaws.com.

    Raises:
        ServiceError: ValidationException if the role does not exist or does not trust the service.
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
    expires = time.time() + SESSION_SECONDS
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
    """Return whether a role's trust policy lets a service assume it for `account`, and no statement denies it."""
    from ministack.core import iam_evaluator

    document = role.get("AssumeRolePolicyDocument", "{}")
    statements = (json.loads(document) if isinstance(document, str) else document).get("Statement", [])
    keys = {"aws:sourceaccount": account}
    request = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn="*",
        region="",
        service_context=keys,
    )
    effects = set()
    for statement in [statements] if isinstance(statements, dict) else statements:
        action = statement.get("Action", [])
        actions = [action] if isinstance(action, str) else action
        if (
            iam_evaluator._service_principal_matches(statement.get("Principal"), service)
            and iam_evaluator._conditions_met(statement.get("Condition", {}), request)
            and iam_evaluator._action_matches("sts:AssumeRole", actions, [])
        ):
            effects.add(statement.get("Effect"))
    return effects == {"Allow"}
