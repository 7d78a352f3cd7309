"""HTTP requests to AWS services, signed by botocore and sent by urllib3.

A boto3 client loads service models and resolvers first. That alone takes longer than the start of this whole proxy
(benchmarks/lambda_cold_start.py), and a signed request needs none of it.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Final

import urllib3
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from urllib3.exceptions import ProtocolError

from inference_proxy.aws import credentials

_CONNECT_SECONDS: Final = 2.0
_SHORTEST_SECONDS: Final = 0.05


class SignedHttp:
    """HTTP requests to one service. Connections stay open between the invocations of an execution environment."""

    def __init__(self, service: str, region: str, *, connections: int = 1, replace_closed: bool = False) -> None:
        """`replace_closed` repeats a request once if the server has closed the connection that was kept open."""
        self._service, self._region, self._replace_closed = service, region, replace_closed
        self._pool = urllib3.PoolManager(maxsize=connections, ca_certs=os.environ.get("AWS_CA_BUNDLE") or None)

    def request(
        self,
        method: str,
        url: str,
        *,
        seconds: float,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        preload_content: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        """Return the response. Raise urllib3's HTTPError without one, and ProxySettingsError without credentials.

        `seconds` is the time to read the response; connecting takes at most two of them.
        """
        request = AWSRequest(method=method, url=url, data=body, headers=dict(headers or {}))
        signer = S3SigV4Auth if self._service == "s3" else SigV4Auth
        signer(credentials(), self._service, self._region).add_auth(request)
        seconds = max(seconds, _SHORTEST_SECONDS)
        send = functools.partial(
            self._pool.request,
            method,
            url,
            body=body or None,
            headers=dict(request.headers.items()),
            timeout=urllib3.Timeout(connect=min(_CONNECT_SECONDS, seconds), read=seconds),
            retries=False,
            redirect=False,
            preload_content=preload_content,
        )
        try:
            return send()
        except ProtocolError:
            if not self._replace_closed:
                raise
            return send()


def presigned_s3_url(method: str, url: str, region: str, *, expires: int, headers: Mapping[str, str]) -> str:
    """Return an S3 URL that anyone can use with this method and exactly these headers for `expires` seconds."""
    request = AWSRequest(method=method, url=url, headers=dict(headers))
    S3SigV4QueryAuth(credentials(), "s3", region, expires=expires).add_auth(request)
    return str(request.url)
