"""Credentials from the environment, and the addresses of AWS services."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlsplit

# DNS suffix of each AWS partition by the start of its region names; "amazonaws.com" for all others.
_DNS_SUFFIXES: Final = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}


class ProxySettingsError(Exception):
    """A variable in the environment of the function is missing or invalid."""


class SigningCredentials(NamedTuple):
    """The attributes that botocore's signer reads."""

    access_key: str
    secret_key: str
    token: str | None


def credentials() -> SigningCredentials:
    """Return the function's credentials, read at every call because they can change. Raise ProxySettingsError."""
    access_key, secret_key = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not access_key or not secret_key:
        raise ProxySettingsError(
            "AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set; AWS Lambda sets both from the function's role."
        )
    return SigningCredentials(access_key, secret_key, os.environ.get("AWS_SESSION_TOKEN") or None)


def dns_suffix(region: str) -> str:
    """Return the DNS suffix of the region's partition."""
    return next((suffix for start, suffix in _DNS_SUFFIXES.items() if region.startswith(start)), "amazonaws.com")


def endpoint_url(environ: Mapping[str, str], service: str) -> str | None:
    """Return the address of a service in the environment, without a trailing slash; None for AWS's own address.

    The two variables and their order are those of the AWS SDKs. Raise ProxySettingsError.
    """
    for name in (f"AWS_ENDPOINT_URL_{service}", "AWS_ENDPOINT_URL"):
        url = environ.get(name, "").strip().rstrip("/")
        if url:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
                raise ProxySettingsError(f"{name} is {url!r}; it must be an http or https URL without a query.")
            return url
    return None
