"""The SageMaker endpoint, called with botocore's signer over urllib3.

A boto3 client loads service models and resolvers first, and alone takes longer to start than this whole proxy
(benchmarks/lambda_cold_start.py); one signed POST needs none of it.
"""

from __future__ import annotations

import functools
import os
import random
import time
from typing import Final

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from inference_proxy.aws import credentials
from inference_proxy.deadline import Deadline
from inference_proxy.endpoint_errors import RETRIED, problem_of_response, problem_of_transport
from inference_proxy.problems import ProblemError
from inference_proxy.settings import Settings

CONCURRENT: Final = 4
"""Calls at a time that keep a connection: below the concurrency of a small serverless endpoint."""
_SIGNING_NAME: Final = "sagemaker"
_ATTEMPTS: Final = 3
_CONNECT_SECONDS: Final = 2.0
_FIRST_PAUSE_SECONDS: Final = 0.2
# Below this no answer is to be expected any more.
_USEFUL_SECONDS: Final = 0.05


class Endpoint:
    """One endpoint. Connections stay open between the invocations of an execution environment."""

    def __init__(self, settings: Settings) -> None:
        self._url = f"{settings.runtime_url}/endpoints/{settings.endpoint_name}/invocations"
        self._region = settings.region
        ca_bundle = os.environ.get("AWS_CA_BUNDLE") or None
        self._http = urllib3.PoolManager(num_pools=1, maxsize=CONCURRENT, ca_certs=ca_bundle)

    def invoke(self, jpeg: bytes, deadline: Deadline) -> bytes:
        """The body of the model's answer to one encoded image.

        Throttling, an unavailable endpoint and a broken connection are tried again, at most three times in all and
        never past the deadline; scoring changes nothing, so a repeated request does no harm.
        Raises ProblemError (429, 502, 503, 504, or 422 when the model refuses the image) and SettingsError.
        """
        attempt = 1
        while True:
            try:
                return self._attempt(jpeg, deadline)
            except ProblemError as problem:
                problem.cause["attempts"] = attempt
                # Full jitter, so that throttled callers do not come back together.
                pause = random.uniform(0, _FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))  # noqa: S311 (not a secret)
                too_late = deadline.remaining() < pause + _USEFUL_SECONDS
                if problem.code not in RETRIED or attempt == _ATTEMPTS or too_late:
                    raise
            time.sleep(pause)
            attempt += 1

    def _attempt(self, jpeg: bytes, deadline: Deadline) -> bytes:
        seconds = deadline.remaining()
        if seconds < _USEFUL_SECONDS:
            raise problem_of_transport("endpoint_timeout", "deadline")
        timeout = urllib3.Timeout(connect=min(_CONNECT_SECONDS, seconds), read=seconds)
        headers = self._signed_headers(jpeg)
        try:
            response = self._http.request(
                "POST", self._url, body=jpeg, headers=headers, timeout=timeout, retries=False, redirect=False
            )
        except NewConnectionError as error:  # before its parent class in urllib3 1.26, ConnectTimeoutError
            raise problem_of_transport("endpoint_unreachable", type(error).__name__) from error
        except (ConnectTimeoutError, ReadTimeoutError) as error:
            raise problem_of_transport("endpoint_timeout", type(error).__name__) from error
        except HTTPError as error:
            raise problem_of_transport("endpoint_unreachable", type(error).__name__) from error
        if response.status != 200:
            raise problem_of_response(response.status, response.headers, response.data)
        return response.data

    def _signed_headers(self, jpeg: bytes) -> dict[str, str]:
        request = AWSRequest(
            method="POST",
            url=self._url,
            data=jpeg,
            headers={"Content-Type": "image/jpeg", "Accept": "application/json"},
        )
        SigV4Auth(credentials(), _SIGNING_NAME, self._region).add_auth(request)
        return dict(request.headers.items())


@functools.cache
def endpoint_of(settings: Settings) -> Endpoint:
    """The endpoint that the settings name, one object per execution environment."""
    return Endpoint(settings)
