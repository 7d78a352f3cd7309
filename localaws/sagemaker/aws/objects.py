"""S3 objects with the permissions of a role.

A job moves thousands of images. Over HTTP each costs milliseconds of signing, parsing and routing. In this process the
same policies are checked and the same store is used in tenths of a millisecond.
"""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localaws.errors import ServiceError
from localaws.identity import Caller
from localaws.ministack.object_store import ObjectError, read_object, write_object
from localaws.ministack.policies import Authorizer


class Objects:
    """Reads, writes and lists objects as one role. Safe to use from several threads, but not from the event loop."""

    def __init__(self, authorizer: Authorizer, caller: Caller, client: Any) -> None:
        """`client` is a boto3 client of S3 with the credentials of `caller`."""
        self.authorizer = authorizer
        self.caller = caller
        self.client = client

    def get(self, bucket: str, key: str) -> bytes:
        """Return an object.

        Raises:
            ObjectError: the object does not exist, or the role may not read it.
        """
        self._require("s3:GetObject", bucket, key)
        return read_object(self.caller, bucket, key)

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Write an object, whole or not at all.

        Raises:
            ObjectError: the bucket does not exist, or the role may not write there.
        """
        self._require("s3:PutObject", bucket, key)
        write_object(self.caller, bucket, key, body)

    def list(self, bucket: str, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield key and size in bytes of every object below a prefix.

        Raises:
            ObjectError: the bucket does not exist, or the role may not list it.
        """
        try:
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for item in page.get("Contents", []):
                    yield item["Key"], int(item.get("Size", 0))
        except ClientError as error:
            details = error.response.get("Error", {})
            raise ObjectError(f"{details.get('Code', 'Error')}: {details.get('Message', error)}") from error
        except BotoCoreError as error:
            raise ObjectError(f"{type(error).__name__}: {error}") from error

    def _require(self, action: str, bucket: str, key: str) -> None:
        try:
            self.authorizer.require(self.caller, action, f"arn:aws:s3:::{bucket}/{key}")
        except ServiceError as error:
            raise ObjectError("AccessDenied: Access Denied") from error
