"""S3 objects as a role may use them, straight from MiniStack's store in this process.

A job moves thousands of images. Over HTTP each costs several milliseconds of signing, parsing and routing; here the
same policies are asked and the same store is read and written, in tenths of one.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.errors import ServiceError
from localaws.identity import Authorizer, Caller, account_scope

CODE = re.compile(rb"<Code>(.*?)</Code>", re.DOTALL)
MESSAGE = re.compile(rb"<Message>(.*?)</Message>", re.DOTALL)


class ObjectError(Exception):
    """S3 refused; the text is "AccessDenied: ..." or another of its codes, and its sentence."""


class Objects:
    """Reads, writes and lists objects as one role. Safe to use from several threads, but not from the event loop."""

    def __init__(self, authorizer: Authorizer, caller: Caller, client: Any) -> None:
        """`client` is a boto3 client of S3 with the role's credentials; `caller` is who they belong to."""
        self.authorizer = authorizer
        self.caller = caller
        self.client = client

    def get(self, bucket: str, key: str) -> bytes:
        """Return an object.

        Raises:
            ObjectError: there is none, or the role may not read it.
        """
        from ministack.services import s3

        self._require("s3:GetObject", bucket, key)
        with account_scope(self.caller.account, self.caller.region):
            return checked(*s3._get_object(bucket, key, {}, {}))

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object, whole or not at all.

        Raises:
            ObjectError: there is no such bucket, or the role may not write there.
        """
        from ministack.app import call_service_handler_sync
        from ministack.services import s3

        self._require("s3:PutObject", bucket, key)

        async def write(*_: Any) -> Any:
            with account_scope(self.caller.account, self.caller.region):
                return s3._put_object(bucket, key, body, {})

        # On the event loop, where MiniStack changes its state, so that nothing sees half a change.
        checked(*call_service_handler_sync(write, "PUT", key, {}, b"", {}))

    def list(self, bucket: str, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield key and size in bytes of every object below a prefix.

        Raises:
            ObjectError: there is no such bucket, or the role may not list it.
        """
        try:
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for item in page.get("Contents", []):
                    yield item["Key"], int(item.get("Size", 0))
        except ClientError as error:
            found = error.response.get("Error", {})
            raise ObjectError(f"{found.get('Code', 'Error')}: {found.get('Message', error)}") from error
        except BotoCoreError as error:
            raise ObjectError(f"{type(error).__name__}: {error}") from error

    def _require(self, action: str, bucket: str, key: str) -> None:
        try:
            self.authorizer.require(self.caller, action, f"arn:aws:s3:::{bucket}/{key}")
        except ServiceError as error:
            raise ObjectError("AccessDenied: Access Denied") from error


def checked(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return the body of MiniStack's answer.

    Raises:
        ObjectError: the answer is an error document.
    """
    if status < 300:
        return body
    code, message = CODE.search(body), MESSAGE.search(body)
    raise ObjectError(
        f"{code[1].decode() if code else status}: {message[1].decode() if message else 'no reason given'}"
    )
