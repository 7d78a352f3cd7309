"""The three things this API does with S3: read an object, and sign a PUT or a GET that others make."""

from __future__ import annotations

import functools
import os
from typing import Final
from urllib.parse import quote

import urllib3
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from urllib3.exceptions import HTTPError

from inference_proxy.aws import credentials
from inference_proxy.deadline import Deadline
from inference_proxy.problems import ProblemError
from inference_proxy.settings import Settings

_CONNECT_SECONDS: Final = 2.0


class Storage:
    """S3 in the function's region. Connections stay open between the invocations of an execution environment."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        ca_bundle = os.environ.get("AWS_CA_BUNDLE") or None
        self._http = urllib3.PoolManager(num_pools=2, maxsize=1, ca_certs=ca_bundle)

    def get(self, bucket: str, key: str, limit: int, deadline: Deadline) -> bytes | None:
        """An object of at most `limit` bytes; None where there is none.

        S3 says 403 for a missing object to whom may not list the bucket, as this function may not.
        Raises ProblemError: too_large, storage_unavailable.
        """
        request = AWSRequest(method="GET", url=self._url(bucket, key))
        S3SigV4Auth(credentials(), "s3", self._settings.region).add_auth(request)
        seconds = max(deadline.remaining(), 0.1)
        timeout = urllib3.Timeout(connect=min(_CONNECT_SECONDS, seconds), read=seconds)
        try:
            response = self._http.request(
                "GET", request.url, headers=dict(request.headers.items()), timeout=timeout, retries=1,
                preload_content=False,
            )  # fmt: skip
            try:
                if response.status in (403, 404):
                    return None
                if response.status != 200:
                    raise _unavailable({"aws_status": response.status})
                # Whoever uploads may name a Content-Encoding, and a small body may unpack to gigabytes.
                body = response.read(limit + 1, decode_content=False)
            finally:
                response.release_conn()
        except HTTPError as error:
            raise _unavailable({"reason": type(error).__name__}) from error
        if len(body) > limit:
            raise ProblemError("too_large", f"Received more than {limit:,} bytes; upload the image as a smaller file.")
        return body

    def presigned_put(self, bucket: str, key: str, headers: dict[str, str], seconds: int) -> str:
        """A URL to which a PUT with exactly these headers may be sent for so many seconds."""
        return self._presigned("PUT", bucket, key, headers, seconds)

    def presigned_get(self, bucket: str, key: str, seconds: int) -> str:
        """A URL from which the object may be read for so many seconds."""
        return self._presigned("GET", bucket, key, {}, seconds)

    def _presigned(self, method: str, bucket: str, key: str, headers: dict[str, str], seconds: int) -> str:
        request = AWSRequest(method=method, url=self._url(bucket, key), headers=headers)
        S3SigV4QueryAuth(credentials(), "s3", self._settings.region, expires=seconds).add_auth(request)
        return str(request.url)

    def _url(self, bucket: str, key: str) -> str:
        base = self._settings.s3_url
        if base is None:
            return f"https://{bucket}.s3.{self._settings.region}.{self._settings.dns_suffix}/{quote(key)}"
        return f"{base}/{bucket}/{quote(key)}"


@functools.cache
def storage_of(settings: Settings) -> Storage:
    """The storage that the settings name, one object per execution environment."""
    return Storage(settings)


def _unavailable(cause: dict[str, str | int]) -> ProblemError:
    return ProblemError(
        "storage_unavailable",
        "The storage behind this API did not answer as it should; try again in a few seconds.",
        headers={"Retry-After": "5"},
        cause=cause,
    )
