"""Objects in S3: split URIs, list, read, write, copy."""

import hashlib
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import botocore.exceptions

from ml.aws import clients
from ml.errors import UserError

URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)
MISSING = ("NoSuchKey", "404")
"""Error codes of GetObject and HeadObject for an object that does not exist."""
UNREADABLE = ("AccessDenied", "InvalidObjectState", "KeyTooLongError", "NoSuchKey")
"""Errors of GetObject that concern one object: no permission, archived in Glacier, deleted since it was listed."""
THREADS = 16
LARGE = 8 * 1024 * 1024
"""Bytes from which upload_file sends a file in parts. Below, put_object takes a quarter of the processor time."""
CHUNK = 1024 * 1024
Value = TypeVar("Value")


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of s3://BUCKET/KEY; the key may be empty.

    Raises:
        UserError: it is not such a URI.
    """
    match = URI.fullmatch(uri)
    if match is None:
        raise UserError(f"{uri} is not an S3 URI; give s3://BUCKET/PREFIX, with the bucket's name in lower case.", 2)
    return match[1], match[2] or ""


class Bucket:
    """The objects of one bucket; AWS's errors pass unchanged unless a method says otherwise."""

    def __init__(self, name: str) -> None:
        self.name, self.client = name, clients.client("s3")

    def sizes(self, prefix: str) -> dict[str, int]:
        """Return the size in bytes of every object below a prefix, by key, in the order of the keys."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", [])}

    def objects(self, prefix: str) -> list[dict[str, Any]]:
        """Return S3's description (Key, Size, ETag) of every object below a prefix, in the order of the keys."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [item for page in pages for item in page.get("Contents", []) if not item["Key"].endswith("/")]

    def read(self, key: str, length: int | None = None) -> bytes:
        """Return an object's content, or its first `length` bytes."""
        part = {} if length is None else {"Range": f"bytes=0-{length - 1}"}
        return bytes(self.client.get_object(Bucket=self.name, Key=key, **part)["Body"].read())

    def get(self, key: str) -> bytes | None:
        """Return an object's content; None if it does not exist."""
        try:
            return self.read(key)
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in MISSING:
                raise
            return None

    def exists(self, key: str) -> bool:
        """Return whether an object exists."""
        try:
            self.client.head_object(Bucket=self.name, Key=key)
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in MISSING:
                raise
            return False
        return True

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Store an object."""
        self.client.put_object(Bucket=self.name, Key=key, Body=body, ContentType=content_type)

    def delete(self, key: str) -> None:
        """Remove an object."""
        self.client.delete_object(Bucket=self.name, Key=key)

    def send(self, key: str, path: Path, content_type: str) -> None:
        """Store a file as an object; a large file is not held in memory as a whole."""
        if path.stat().st_size < LARGE:
            self.put(key, path.read_bytes(), content_type)
        else:
            self.client.upload_file(str(path), self.name, key, ExtraArgs={"ContentType": content_type})

    def sha256(self, key: str) -> str | None:
        """Return the SHA-256 of an object's content, which is not held in memory; None if it does not exist."""
        try:
            body = self.client.get_object(Bucket=self.name, Key=key)["Body"]
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in MISSING:
                raise
            return None
        digest = hashlib.sha256()
        for chunk in body.iter_chunks(CHUNK):
            digest.update(chunk)
        return digest.hexdigest()

    def copy(self, source: "Bucket", key: str, content_type: str, through_here: bool) -> None:
        """Store a copy of another bucket's object under the same key.

        Args:
            through_here: whether to download and upload it in parts, each bucket with its own credentials. Otherwise
                S3 copies it with the credentials of this bucket.
        """
        extra = {"ContentType": content_type}
        if through_here:
            body = source.client.get_object(Bucket=source.name, Key=key)["Body"]
            self.client.upload_fileobj(body, self.name, key, ExtraArgs=extra)
        else:
            extra["MetadataDirective"] = "REPLACE"
            self.client.copy({"Bucket": source.name, "Key": key}, self.name, key, ExtraArgs=extra)

    def map(self, function: Callable[[bytes], Value], keys: Sequence[str]) -> list[Value]:
        """Return the function of each object's content, in the order of the keys; objects are read in parallel."""
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(lambda key: function(self.read(key)), keys))
