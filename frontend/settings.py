"""The REST API's address and key, from the environment or from `.streamlit/secrets.toml`."""

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError


class AppSettingsError(Exception):
    """A setting is missing or invalid; the message says which, and what to set."""


@dataclass(frozen=True)
class AppSettings:
    """`api_url` ends with a slash; `api_key` never appears in a representation of the object."""

    api_url: str
    api_key: str = field(repr=False)


def load() -> AppSettings:
    """Return the settings of this process.

    Raises:
        AppSettingsError: a setting is missing or invalid.
    """
    values = {name: os.environ.get(name) or secret(name) for name in ("API_URL", "API_KEY")}
    missing = [name for name, value in values.items() if not value]
    if missing:
        raise AppSettingsError(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set.")
    url, key = values["API_URL"].strip(), values["API_KEY"].strip()
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise AppSettingsError(
            f"API_URL is {url!r}; it must be an http or https address, such as https://example.org/dev/."
        )
    if not key.isascii() or not key.isprintable():
        raise AppSettingsError("API_KEY contains characters that are not printable ASCII; copy the key again.")
    return AppSettings(url.rstrip("/") + "/", key)


def secret(name: str) -> str:
    """Return a value of `.streamlit/secrets.toml`, or "" if there is none."""
    try:
        return str(st.secrets.get(name, ""))
    except StreamlitSecretNotFoundError:
        return ""
