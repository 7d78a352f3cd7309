"""Objects in S3: read one, and sign URLs with which others upload or read one."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from urllib3.exceptions import HTTPError

from inference_proxy.deadline import Deadline
from inference_proxy.problems import ProblemError
from inference_proxy.settings import ProxySettings
from inference_proxy.signed_http import SignedHttp, presigned_s3_url

_STALL_SECONDS: Final = 5.0
"""S3 answers within milliseconds."""


class Storage:
    """S3 in the function's region."""

    def __init__(self, settings: ProxySettings) -> None:
        self._settings = settings
        self._http = SignedHttp("s3", settings.region, replace_closed=True)

    def get(self, bucket: str, key: str, limit: int, deadline: Deadline) -> bytes | None:
        """Return an object of at most `limit` bytes, or None if it does not exist.

        Without ListBucket, S3 answers 403 instead of 404 for a missing object.
        Raise ProblemError: too_large, storage_unavailable.
        """
        try:
            # The limit holds for the first byte, and again for a pause within the body.
            seconds = min(_STALL_SECONDS, deadline.remaining() / 2)
            response = self._http.request("GET", self._url(bucket, key), seconds=seconds, preload_content=False)
            try:
                if response.status in (403, 404):
                    return None
                if response.status != 200:
                    raise _unavailable({"aws_status": response.status})
                # An uploader chooses the Content-Encoding, and a small body can unpack to gigabytes.
                body = response.read(limit + 1, decode_content=False)
            finally:
                response.release_conn()
        except HTTPError as error:
            raise _unavailable({"reason": type(error).__name__}) from error
        if len(body) > limit:
            raise ProblemError("too_large", f"Received more than {limit:,} bytes; upload the image as a smaller file.")
        return body

    def presigned_put(self, bucket: str, key: str, headers: Mapping[str, str], expires: int) -> str:
        """Return a URL for a PUT with exactly these headers, valid for `expires` seconds."""
        return presigned_s3_url("PUT", self._url(bucket, key), self._settings.region, expires=expires, headers=headers)

    def presigned_get(self, bucket: str, key: str, expires: int) -> str:
        """Return a URL from which the object can be read for `expires` seconds."""
        return presigned_s3_url("GET", self._url(bucket, key), self._settings.region, expires=expires, headers={})

    def _url(self, bucket: str, key: str) -> str:
        base = self._settings.s3_url
        if base is None:
            return f"https://{bucket}.s3.{self._settings.region}.{self._settings.dns_suffix}/{quote(key)}"
        return f"{base}/{bucket}/{quote(key)}"


@functools.cache
def storage_of(settings: ProxySettings) -> Storage:
    """Return the storage of these settings, one object per execution environment."""
    return Storage(settings)


def _unavailable(cause: Mapping[str, str | int]) -> ProblemError:
    return ProblemError(
        "storage_unavailable",
        "The storage of this API is unavailable; try again in a few seconds.",
        headers={"Retry-After": "5"},
        cause=cause,
    )
