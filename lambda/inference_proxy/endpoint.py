"""The SageMaker endpoint that scores images."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Iterable
from typing import Final

from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from inference_proxy.deadline import Deadline
from inference_proxy.endpoint_errors import RETRIED, problem_of_response, problem_of_transport
from inference_proxy.prediction import probabilities
from inference_proxy.problems import ProblemError
from inference_proxy.settings import ProxySettings
from inference_proxy.signed_http import SignedHttp

CONCURRENT: Final = 4
"""Simultaneous calls, each with a connection: fewer than the concurrency of a small serverless endpoint."""
_ATTEMPTS: Final = 3
_FIRST_PAUSE_SECONDS: Final = 0.2
# With less time left, a call cannot succeed.
_USEFUL_SECONDS: Final = 0.05


class Endpoint:
    """One SageMaker endpoint."""

    def __init__(self, settings: ProxySettings) -> None:
        self._url = f"{settings.runtime_url}/endpoints/{settings.endpoint_name}/invocations"
        self._http = SignedHttp("sagemaker", settings.region, connections=CONCURRENT)
        self._classes = settings.classes

    def score(self, jpeg: bytes, deadline: Deadline) -> dict[str, float]:
        """Return the model's own probability of each class; see `invoke` and `probabilities` for the problems."""
        return probabilities(self.invoke(jpeg, deadline), self._classes)

    def score_all(self, jpegs: Iterable[bytes], deadline: Deadline) -> list[dict[str, float] | None]:
        """Return the probabilities of each image, or None where time ran out. The first other failure is raised."""
        from concurrent.futures import ThreadPoolExecutor

        def score(jpeg: bytes) -> dict[str, float] | None:
            try:
                return self.score(jpeg, deadline)
            except ProblemError as problem:
                if problem.code == "endpoint_timeout":
                    return None
                raise

        with ThreadPoolExecutor(CONCURRENT) as pool:
            pending = [pool.submit(score, jpeg) for jpeg in jpegs]
            try:
                return [image.result() for image in pending]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def invoke(self, jpeg: bytes, deadline: Deadline) -> bytes:
        """Return the body of the model's response to one encoded image.

        Throttling, an unavailable endpoint and a broken connection are retried: at most three attempts, none past the
        deadline. Scoring changes nothing, so a repeated request does no harm.
        Raise ProblemError (429, 502, 503, 504, or 422 if the model rejects the image) and ProxySettingsError.
        """
        attempt = 1
        while True:
            try:
                return self._attempt(jpeg, deadline)
            except ProblemError as problem:
                problem.cause["attempts"] = attempt
                # Full jitter: throttled callers do not come back together.
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
        headers = {"Content-Type": "image/jpeg", "Accept": "application/json"}
        try:
            response = self._http.request("POST", self._url, body=jpeg, headers=headers, seconds=seconds)
        except NewConnectionError as error:  # before its parent class in urllib3 1.26, ConnectTimeoutError
            raise problem_of_transport("endpoint_unreachable", type(error).__name__) from error
        except (ConnectTimeoutError, ReadTimeoutError) as error:
            raise problem_of_transport("endpoint_timeout", type(error).__name__) from error
        except HTTPError as error:
            raise problem_of_transport("endpoint_unreachable", type(error).__name__) from error
        if response.status != 200:
            raise problem_of_response(response.status, response.headers, response.data)
        return response.data


@functools.cache
def endpoint_of(settings: ProxySettings) -> Endpoint:
    """Return the endpoint of these settings, one object per execution environment."""
    return Endpoint(settings)
