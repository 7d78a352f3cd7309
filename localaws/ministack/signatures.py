"""The check of a SageMaker request's signature, as MiniStack checks those of its own services."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote

from localaws.errors import ServiceError
from localaws.identity import Caller
from localaws.ministack.account_scope import account_scope


def authenticate(scope: Mapping[str, Any], body: bytes, key: str, region: str) -> Caller:
    """Check the signature of an ASGI request and return its caller.

    Raises:
        ServiceError: an unknown key, an expired session or a wrong signature.
    """
    from ministack.core import iam_evaluator, responses

    query = parse_qs(scope.get("query_string", b"").decode(), keep_blank_values=True)
    responses.set_request_account_id(key)
    responses.set_request_region(region)
    account = responses.get_account_id()
    raw_path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
    iam_evaluator.pin_signed_request(scope["method"], raw_path, query, scope["headers"])
    iam_evaluator.pin_signed_body(body)
    with account_scope(account, region):
        failure = iam_evaluator.check_credentials(key, "sagemaker")
        if failure is not None:
            raise ServiceError(failure.code, failure.message, 403)
        principal = iam_evaluator.resolve_principal(key, account)
    if isinstance(principal, iam_evaluator.AuthError):
        raise ServiceError(principal.code, principal.message, 403)
    return Caller(account, region, principal.arn, key)
