"""The account and region that MiniStack's stores are read and written under."""

import contextvars
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def account_scope(account: str, region: str) -> Iterator[None]:
    """Run a block as a request to `account` in `region`."""
    from ministack.core import responses

    account_var: contextvars.ContextVar[str] = responses._request_account_id
    region_var: contextvars.ContextVar[str] = responses._request_region
    account_token, region_token = account_var.set(account), region_var.set(region)
    try:
        yield
    finally:
        account_var.reset(account_token)
        region_var.reset(region_token)


def current_scope() -> tuple[str, str]:
    """Return the account and region of the request that MiniStack is serving."""
    from ministack.core import responses

    return responses.get_account_id(), responses.get_region()
