"""The REST API's client: images in, answers or refusals out."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import requests

from frontend import api_models
from frontend.api_models import HeatMap, Lease, Model, Prediction
from frontend.settings import Settings

Answer = TypeVar("Answer")

CONNECT_SECONDS = 5
READ_SECONDS = 35
"""API Gateway gives up after 29 seconds, so its answer always comes first."""

RETRYABLE = frozenset({429, 502, 503, 504})
"""Statuses after which the same image may well be read a moment later."""
FINAL = frozenset({"quota_exceeded", "endpoint_missing", "endpoint_access_denied"})
"""Codes with such a status that waiting a moment does not mend."""


@dataclass
class RefusalError(Exception):
    """Why there is no answer. `status` is 0 when none came at all; `retry_after` is what the API asks for, in s."""

    status: int
    code: str
    title: str
    detail: str
    request_id: str = ""
    retry_after: float = 0.0

    @property
    def retryable(self) -> bool:
        """Whether trying again may help."""
        return self.code not in FINAL and (self.status == 0 or self.status in RETRYABLE)


def outcome(ask: Callable[[], Answer]) -> Answer | RefusalError:
    """Return the answer to a question, or the refusal in its place."""
    try:
        return ask()
    except RefusalError as refusal:
        return refusal


class Client:
    """Asks one deployed API; safe to use from several threads, each of which keeps its own connection."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._local = threading.local()

    @property
    def address(self) -> str:
        """The API's URL, without the key."""
        return self._settings.api_url

    def predict(self, image: bytes, media_type: str) -> Prediction:
        """Send one image's bytes, image/jpeg or image/png.

        Raises:
            RefusalError: there is no prediction.
        """
        started = time.monotonic()
        return self._ask(
            "POST", "predict", image, media_type, lambda found: api_models.prediction(found, time.monotonic() - started)
        )

    def explain(self, image: bytes, media_type: str) -> HeatMap:
        """Ask which parts of an image speak for pneumonia; this takes up to 29 seconds.

        Raises:
            RefusalError: there is no heat map.
        """
        return self._ask("POST", "explain", image, media_type, api_models.heat_map)

    def model(self) -> Model:
        """Ask which model answers and how well it did.

        Raises:
            RefusalError: the API does not say.
        """
        return self._ask("GET", "model", None, None, api_models.model)

    def extend_lease(self, hours: int) -> Lease:
        """Let the endpoint live at least so many hours from now.

        Raises:
            RefusalError: it was not extended.
        """
        return self._ask("POST", "lease", f'{{"hours": {hours}}}'.encode(), "application/json", api_models.lease)

    def _ask(
        self, method: str, path: str, body: bytes | None, media_type: str | None, read: Callable[[Any], Answer]
    ) -> Answer:
        headers = {"x-api-key": self._settings.api_key, "Accept": "application/json"}
        if media_type is not None:
            headers["Content-Type"] = media_type
        try:
            response = self._session().request(
                method,
                self._settings.api_url + path,
                data=body,
                headers=headers,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
            )
        except requests.Timeout as error:
            raise RefusalError(0, "no_answer", "No answer", "The API did not answer in time; try again.") from error
        except requests.RequestException as error:
            detail = f"Nothing answers at {self._settings.api_url}; check API_URL and that the API is deployed."
            raise RefusalError(0, "unreachable", "The API cannot be reached", detail) from error
        document = parsed(response)
        try:
            return read(document)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise unexpected(response) from None

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
        return session


def parsed(response: requests.Response) -> dict[str, Any]:
    """Return the document of an answer.

    Raises:
        RefusalError: it holds a problem (RFC 9457), or something this client does not understand.
    """
    try:
        document: Any = response.json()
    except requests.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise unexpected(response)
    if response.status_code == 200:
        return document
    raise RefusalError(
        response.status_code,
        str(document.get("code", "unknown")),
        str(document.get("title") or response.reason),
        str(document.get("detail") or document.get("message") or "The API gave no reason."),
        str(document.get("request_id", "")),
        seconds_of(response.headers.get("Retry-After", "")),
    )


def seconds_of(text: str) -> float:
    """Return the seconds of a Retry-After header, 0 where it holds a date or nothing."""
    return float(text) if text.isascii() and text.isdigit() else 0.0


def unexpected(response: requests.Response) -> RefusalError:
    """Return the refusal for an answer that is neither what was asked for nor a problem."""
    return RefusalError(
        response.status_code,
        "unexpected_answer",
        "Unexpected answer",
        f"The answer (status {response.status_code}) is none of this API; check that API_URL is the API's address.",
    )
