"""The client of the REST API."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import requests

from frontend.api_models import HeatMap, Model, Prediction, Upload
from frontend.settings import AppSettings
from radiograph import MAX_BYTES

Answer = TypeVar("Answer")

CONNECT_SECONDS = 5
READ_SECONDS = 35
"""More than API Gateway's own timeout of 29 seconds."""

JSON = "application/json"
RETRYABLE = frozenset({429, 502, 503, 504})
"""Statuses of errors that a retry may resolve."""
PERSISTENT = frozenset({"quota_exceeded", "gateway_misconfigured", "endpoint_missing", "endpoint_access_denied",
                        "model_missing", "model_hash_mismatch", "model_broken"})  # fmt: skip
"""Codes with one of these statuses that a retry does not resolve."""


@dataclass
class ApiError(Exception):
    """An error of the API. `status` is 0 if there was no response; `retry_after` is in seconds."""

    status: int
    code: str
    title: str
    detail: str
    request_id: str = ""
    retry_after: float = 0.0

    @property
    def retryable(self) -> bool:
        """Return whether a retry may succeed."""
        return self.code not in PERSISTENT and (self.status == 0 or self.status in RETRYABLE)


def answer_or_error(request: Callable[[], Answer]) -> Answer | ApiError:
    """Return the answer to a request, or the API's error."""
    try:
        return request()
    except ApiError as error:
        return error


class Client:
    """Client of one deployed API. It is thread-safe."""

    def __init__(self, settings: AppSettings) -> None:
        self._settings = settings
        self._local = threading.local()

    @property
    def address(self) -> str:
        """Return the API's URL, without the key."""
        return self._settings.api_url

    def predict(self, image: bytes, media_type: str) -> Prediction:
        """Return the prediction for an image, of type image/jpeg or image/png.

        Raises:
            ApiError: there is no prediction.
        """
        started = time.monotonic()
        content = self._content(image, media_type)
        return self._request(
            "POST", "predict", *content, lambda body: Prediction(**body, seconds=time.monotonic() - started)
        )

    def explain(self, image: bytes, media_type: str) -> HeatMap:
        """Return the heat map of an image; this takes up to 29 seconds.

        Raises:
            ApiError: there is no heat map.
        """
        content = self._content(image, media_type)
        return self._request("POST", "explain", *content, lambda body: HeatMap(**body["heat_map"]))

    def model(self) -> Model:
        """Return the deployed model and its evaluation.

        Raises:
            ApiError: there is no description of the model.
        """
        return self._request("GET", "model", None, None, lambda body: Model(**body))

    def _content(self, image: bytes, media_type: str) -> tuple[bytes, str]:
        """Return the body of a request for an image and its type: the image, or a reference to its upload.

        Above MAX_BYTES, AWS refuses a request before it reaches the API.

        Raises:
            ApiError: the image cannot be uploaded.
        """
        if len(image) <= MAX_BYTES:
            return image, media_type
        announcement = json.dumps({"content_type": media_type, "bytes": len(image)}).encode()
        upload = self._request("POST", "uploads", announcement, JSON, lambda body: Upload(**body))
        response = self._send("PUT", upload.url, image, upload.headers)
        if response.status_code != 200:
            detail = f"The storage of this API answered with status {response.status_code}."
            raise ApiError(response.status_code, "upload_failed", "The image was not uploaded", detail)
        return json.dumps({"upload_id": upload.upload_id}).encode(), JSON

    def _request(
        self, method: str, path: str, body: bytes | None, media_type: str | None, parse: Callable[[Any], Answer]
    ) -> Answer:
        headers = {"x-api-key": self._settings.api_key, "Accept": JSON}
        if media_type is not None:
            headers["Content-Type"] = media_type
        response = self._send(method, self._settings.api_url + path, body, headers)
        document = json_document(response)
        try:
            return parse(document)
        except (KeyError, TypeError, ValueError):  # of pydantic, a ValueError
            raise unexpected(response) from None

    def _send(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> requests.Response:
        timeout = (CONNECT_SECONDS, READ_SECONDS)
        try:
            return self._session().request(
                method, url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            )
        except requests.Timeout as error:
            raise ApiError(0, "no_answer", "No answer", "The API did not answer in time. Try again.") from error
        except requests.RequestException as error:
            address = url.partition("?")[0]  # the query of an upload's URL is a secret
            detail = f"{address} does not answer."
            raise ApiError(0, "unreachable", "The API cannot be reached", detail) from error

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
        return session


def json_document(response: requests.Response) -> dict[str, Any]:
    """Return the JSON document of a successful response.

    Raises:
        ApiError: the response is an error (RFC 9457), or not from this API.
    """
    try:
        document: Any = response.json()
    except requests.JSONDecodeError:
        document = None
    if response.status_code == 413 and not (isinstance(document, dict) and "code" in document):
        # API Gateway's own answer above the limits of AWS: JSON without a code, or text.
        raise ApiError(413, "too_large", "Image too large", "The request is too large for this API.")
    if not isinstance(document, dict):
        raise unexpected(response)
    if response.status_code in (200, 201):
        return document
    raise ApiError(
        response.status_code,
        str(document.get("code", "unknown")),
        str(document.get("title") or response.reason),
        str(document.get("detail") or document.get("message") or "The API gave no reason."),
        str(document.get("request_id", "")),
        retry_seconds(response.headers.get("Retry-After", "")),
    )


def retry_seconds(text: str) -> float:
    """Return the seconds of a Retry-After header, 0 if it is a date or empty."""
    return float(text) if text.isascii() and text.isdigit() else 0.0


def unexpected(response: requests.Response) -> ApiError:
    """Return the error for a response that this API does not send."""
    return ApiError(
        response.status_code,
        "unexpected_answer",
        "Unexpected answer",
        f"The response (status {response.status_code}) is not from this API. Check API_URL.",
    )
