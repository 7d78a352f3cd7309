"""What IAM lets a caller do: SageMaker's requests in MiniStack's policy evaluator."""

import time
from collections.abc import Mapping
from typing import Any

from localaws.errors import ServiceError
from localaws.identity import Caller
from localaws.ministack.account_scope import account_scope

PRINCIPAL_SECONDS = 0.2
"""Seconds that a principal's policies are cached. In AWS a change of a policy takes seconds to act."""


class Authorizer:
    """Decides with the evaluator that also guards MiniStack's own services."""

    def __init__(self) -> None:
        self._cached_principals: dict[str, tuple[float, Any]] = {}

    def require(self, caller: Caller, action: str, resource_arn: str, context: Mapping[str, str] | None = None) -> None:
        """Return if `caller` may do `action` on `resource_arn`.

        Args:
            context: further condition keys, such as {"iam:PassedToService": "sagemaker.amazonaws.com"}.

        Raises:
            ServiceError: AccessDeniedException, in AWS's words.
        """
        from ministack.core import iam_evaluator

        with account_scope(caller.account, caller.region):
            principal = self._principal(caller)
            if isinstance(principal, iam_evaluator.AuthError):
                raise ServiceError(principal.code, principal.message, 403)
            if principal.policies is None:
                return
            keys: dict[str, Any] = {name.lower(): value for name, value in (context or {}).items()}
            keys.setdefault("aws:tagkeys", None)
            request = iam_evaluator.EvalContext(
                principal_arn=principal.arn,
                principal_type=principal.type,
                principal_account=principal.account,
                action=action,
                resource_arn=resource_arn,
                region=caller.region,
                # A client on the loopback interface counts as one that uses TLS.
                secure_transport=True,
                service_context=keys,
                principal_keys=principal.keys,
            )
            result = iam_evaluator.evaluate(request, principal.policies, *principal.limits)
            policy = iam_evaluator._resource_policy(action.partition(":")[0], resource_arn)
            if policy is not None:
                result = iam_evaluator.combine_resource_policy(result, request, *policy, limits=principal.limits)
        if result.decision != "Allow":
            raise denial(principal.arn, action, resource_arn, explicit=result.decision == "Deny")

    def _principal(self, caller: Caller) -> Any:
        """Return the caller with its policies, at most PRINCIPAL_SECONDS old."""
        from ministack.core import iam_evaluator

        now = time.monotonic()
        since, principal = self._cached_principals.get(caller.access_key, (-PRINCIPAL_SECONDS, None))
        if now - since >= PRINCIPAL_SECONDS:
            principal = iam_evaluator.resolve_principal(caller.access_key, caller.account)
            entries = self._cached_principals.items()
            recent = {key: entry for key, entry in entries if now - entry[0] < PRINCIPAL_SECONDS}
            self._cached_principals = recent | {caller.access_key: (now, principal)}
        return principal


def denial(principal_arn: str, action: str, resource_arn: str, explicit: bool) -> ServiceError:
    """Return AWS's error for an action that a policy denies, or that none allows."""
    reason = (
        "with an explicit deny in an identity-based policy"
        if explicit
        else f"because no identity-based policy allows the {action} action"
    )
    return ServiceError(
        "AccessDeniedException",
        f"User: {principal_arn} is not authorized to perform: {action} on resource: {resource_arn} {reason}",
        400 if action.startswith("sagemaker:") else 403,
    )
