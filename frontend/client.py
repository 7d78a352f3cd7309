"""The REST API's client: one film in, one prediction or one refusal out."""

import time
from dataclasses import dataclass
from typing import Any

import requests

from frontend.settings import Settings

CONNECT_SECONDS = 5
READ_SECONDS = 35
"""API Gateway gives up after 29 seconds, so its answer always comes first."""

RETRYABLE = frozenset({429, 502, 503, 504})
"""Statuses after which the same film may well be read a moment later."""


@dataclass(frozen=True)
class Prediction:
    """The API's answer about one film. `probability` is that of PNEUMONIA, 0 to 1; `seconds` is the round trip."""

    label: str
    probability: float
    threshold: float
    threshold_source: str
    model_version: str
    request_id: str
    disclaimer: str
    seconds: float


@dataclass
class RefusalError(Exception):
    """Why there is no prediction. `status` is 0 when no answer came at all."""

    status: int
    code: str
    title: str
    detail: str
    request_id: str = ""

    @property
    def retryable(self) -> bool:
        """Whether trying again may help."""
        return self.status == 0 or self.status in RETRYABLE


class Client:
    """Asks one deployed API; safe to use from several threads, as it keeps nothing between requests."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def predict(self, film: bytes, media_type: str) -> Prediction:
        """Send one film's bytes, image/jpeg or image/png.

        Raises:
            RefusalError: there is no prediction.
        """
        headers = {"x-api-key": self._settings.api_key, "Content-Type": media_type, "Accept": "application/json"}
        started = time.monotonic()
        try:
            response = requests.post(
                self._settings.api_url + "predict", data=film, headers=headers, timeout=(CONNECT_SECONDS, READ_SECONDS)
            )
        except requests.Timeout as error:
            raise RefusalError(0, "no_answer", "No answer", "The API did not answer in time; try again.") from error
        except requests.RequestException as error:
            detail = f"Nothing answers at {self._settings.api_url}; check API_URL and that the API is deployed."
            raise RefusalError(0, "unreachable", "The API cannot be reached", detail) from error
        return read(response, time.monotonic() - started)


def read(response: requests.Response, seconds: float) -> Prediction:
    """Return the prediction in a response.

    Raises:
        RefusalError: it holds a problem (RFC 9457), or something this client does not understand.
    """
    try:
        document: Any = response.json()
    except requests.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise unexpected(response)
    if response.status_code != 200:
        raise RefusalError(
            response.status_code,
            str(document.get("code", "unknown")),
            str(document.get("title") or response.reason),
            str(document.get("detail") or document.get("message") or "The API gave no reason."),
            str(document.get("request_id", "")),
        )
    try:
        return Prediction(
            label=str(document["label"]),
            probability=float(document["probability"]),
            threshold=float(document["threshold"]),
            threshold_source=str(document["threshold_source"]),
            model_version=str(document["model_version"]),
            request_id=str(document["request_id"]),
            disclaimer=str(document["disclaimer"]),
            seconds=seconds,
        )
    except (KeyError, TypeError, ValueError):
        raise unexpected(response) from None


def unexpected(response: requests.Response) -> RefusalError:
    """Return the refusal for an answer that is neither a prediction nor a problem."""
    return RefusalError(
        response.status_code,
        "unexpected_answer",
        "Unexpected answer",
        f"The answer (status {response.status_code}) is none of this API; check that API_URL is the API's address.",
    )
