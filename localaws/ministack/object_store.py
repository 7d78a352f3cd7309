"""S3 objects in MiniStack's store, read and written in this process without HTTP."""

import re
from collections.abc import Mapping
from typing import Any

from localaws.identity import Caller
from localaws.ministack.account_scope import account_scope

CODE = re.compile(rb"<Code>(.*?)</Code>", re.DOTALL)
MESSAGE = re.compile(rb"<Message>(.*?)</Message>", re.DOTALL)


class ObjectError(Exception):
    """S3 refused the request. The text is S3's error code and message, such as "AccessDenied: Access Denied"."""


def read_object(caller: Caller, bucket: str, key: str) -> bytes:
    """Return an object of the caller's account.

    Raises:
        ObjectError: the object does not exist.
    """
    from ministack.services import s3

    with account_scope(caller.account, caller.region):
        return body_of(*s3._get_object(bucket, key, {}, {}))


def write_object(caller: Caller, bucket: str, key: str, body: bytes) -> None:
    """Write an object, whole or not at all.

    Raises:
        ObjectError: the bucket does not exist.
    """
    from ministack import app
    from ministack.services import s3

    async def write(*_: Any) -> Any:
        with account_scope(caller.account, caller.region):
            return s3._put_object(bucket, key, body, {})

    # MiniStack changes its state on the event loop. Writing there keeps others from seeing half a change.
    body_of(*app.call_service_handler_sync(write, "PUT", key, {}, b"", {}))


def body_of(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the body of a successful answer.

    Raises:
        ObjectError: the answer is an error document.
    """
    if status < 300:
        return body
    code, message = CODE.search(body), MESSAGE.search(body)
    raise ObjectError(
        f"{code[1].decode() if code else status}: {message[1].decode() if message else 'no reason given'}"
    )
