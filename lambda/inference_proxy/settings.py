"""What the deployment says through the environment, parsed and checked once per execution environment."""

from __future__ import annotations

import functools
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from radiograph import POLICIES, Policy

POSITIVE: Final = "PNEUMONIA"

# SageMaker API, CreateEndpoint: EndpointName.
_ENDPOINT_NAME: Final = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_REGION: Final = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")

# DNS suffix of each AWS partition by the start of its region names; "amazonaws.com" for all others.
_DNS_SUFFIXES: Final = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}


class SettingsError(Exception):
    """The environment of the function lacks a variable or holds a value that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """Which endpoint is asked, and how its answer is read.

    `classes` are in the order of the model's output; `policy` is how its training films were made square.
    `threshold`, in [0, 1], is the probability of PNEUMONIA from which the label is PNEUMONIA.
    `slope` and `intercept` calibrate that probability's logit; 1 and 0 leave it as it is.
    `runtime_url` has no trailing slash.
    """

    endpoint_name: str
    classes: tuple[str, ...]
    policy: Policy
    threshold: float
    threshold_source: str
    slope: float
    intercept: float
    model_version: str
    region: str
    runtime_url: str


@functools.cache
def load() -> Settings:
    """The settings of this execution environment. Raises SettingsError, and looks again at the next call."""
    return parse(os.environ)


def parse(environ: Mapping[str, str]) -> Settings:
    """Settings from environment variables. Raises SettingsError with the variable's name and what it may be."""
    region = _matching(environ, "AWS_REGION", _REGION, "an AWS region such as us-east-1")
    return Settings(
        endpoint_name=_matching(environ, "ENDPOINT_NAME", _ENDPOINT_NAME, "a SageMaker endpoint name"),
        classes=_classes(_required(environ, "CLASSES")),
        policy=_policy(_required(environ, "FILM_POLICY")),
        threshold=_threshold(_required(environ, "THRESHOLD")),
        threshold_source=_required(environ, "THRESHOLD_SOURCE"),
        **_calibration(_required(environ, "CALIBRATION")),
        model_version=_required(environ, "MODEL_VERSION"),
        region=region,
        runtime_url=_runtime_url(environ, region),
    )


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SettingsError(f"{name} is not set; set it in the environment of the function.")
    return value


def _matching(environ: Mapping[str, str], name: str, pattern: re.Pattern[str], what: str) -> str:
    value = _required(environ, name)
    if not pattern.fullmatch(value):
        raise SettingsError(f"{name} is {value!r}; it must be {what}.")
    return value


def _classes(text: str) -> tuple[str, ...]:
    wanted = f"CLASSES is {text!r}; it must be a JSON list of at least two different names, {POSITIVE} among them."
    try:
        names = json.loads(text)
    except ValueError:
        raise SettingsError(wanted) from None
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise SettingsError(wanted)
    if len(names) < 2 or len(set(names)) != len(names) or POSITIVE not in names:
        raise SettingsError(wanted)
    return tuple(names)


def _policy(text: str) -> Policy:
    for policy in POLICIES:
        if text == policy:
            return policy
    raise SettingsError(f"FILM_POLICY is {text!r}; it must be {' or '.join(POLICIES)}.")


def _threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise SettingsError(f"THRESHOLD is {text!r}; it must be a number from 0 to 1.")
    return value


def _calibration(text: str) -> dict[str, float]:
    wanted = f"CALIBRATION is {text!r}; it must be a JSON object of two numbers, slope (above 0) and intercept."
    try:
        given = json.loads(text)
        slope, intercept = float(given.pop("slope")), float(given.pop("intercept"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SettingsError(wanted) from None
    if given or not (math.isfinite(slope) and math.isfinite(intercept) and slope > 0):
        raise SettingsError(wanted)
    return {"slope": slope, "intercept": intercept}


def _runtime_url(environ: Mapping[str, str], region: str) -> str:
    """The SageMaker runtime's base URL; the two variables and their order are those of the AWS SDKs."""
    for name in ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", "AWS_ENDPOINT_URL"):
        url = environ.get(name, "").strip().rstrip("/")
        if url:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
                raise SettingsError(f"{name} is {url!r}; it must be an http or https URL without a query.")
            return url
    suffix = next((suffix for start, suffix in _DNS_SUFFIXES.items() if region.startswith(start)), "amazonaws.com")
    return f"https://runtime.sagemaker.{region}.{suffix}"
