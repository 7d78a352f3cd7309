"""The settings in the environment variables, parsed and checked once per execution environment."""

from __future__ import annotations

import datetime as dt
import functools
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from inference_proxy.aws import ProxySettingsError, dns_suffix, endpoint_url
from radiograph import RESIZE_MODES, ResizeMode

POSITIVE: Final = "PNEUMONIA"

# SageMaker API, CreateEndpoint: EndpointName.
_ENDPOINT_NAME: Final = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_STAGE: Final = re.compile(r"[a-z][a-z0-9]{0,15}")
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION: Final = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")
# EventBridge Scheduler API, CreateSchedule: Name.
_SCHEDULE: Final = re.compile(r"[0-9a-zA-Z._-]{1,64}")


class GraphObject(NamedTuple):
    """The object in S3 that holds the model's ONNX graph, and the SHA-256 of its content."""

    bucket: str
    key: str
    sha256: str


class LeaseSchedule(NamedTuple):
    """The schedule that deletes the endpoint, and the time (UTC) with which it was deployed."""

    schedule: str
    ends: dt.datetime


@dataclass(frozen=True)
class ProxySettings:
    """The endpoint or the graph, and how its output is interpreted.

    Either `endpoint_name` or `graph` is None: a SageMaker endpoint scores, or the function itself runs the graph.

    `classes` are in the order of the model's output; `resize_mode` is how its training images were made square.
    `threshold`, in [0, 1], is the lowest probability of PNEUMONIA at which the label is PNEUMONIA.
    `slope` and `intercept` calibrate that probability's logit; 1 and 0 do not change it.
    `runtime_url`, `scheduler_url` and `s3_url` have no trailing slash; `s3_url` is None for AWS's own addresses.
    `evaluation` is the bucket and the prefix of metrics.json and report.html, or None. `lease` is None if the endpoint
    has no lease. `cost` is the price, a JSON object as text, or "" without a price.
    """

    endpoint_name: str | None
    graph: GraphObject | None
    classes: tuple[str, ...]
    resize_mode: ResizeMode
    threshold: float
    threshold_source: str
    slope: float
    intercept: float
    model_version: str
    region: str
    runtime_url: str
    scheduler_url: str
    s3_url: str | None
    dns_suffix: str
    stage: str
    upload_bucket: str
    evaluation: tuple[str, str] | None
    cors_origins: tuple[str, ...]
    lease: LeaseSchedule | None
    cost: str


@functools.cache
def load() -> ProxySettings:
    """Return this execution environment's settings. Raise ProxySettingsError at every call until they are valid."""
    return parse(os.environ)


def parse(environ: Mapping[str, str]) -> ProxySettings:
    """Return the settings in environment variables. Raise ProxySettingsError with a variable and its allowed values."""
    region = _matching(environ, "AWS_REGION", _REGION, "an AWS region such as us-east-1")
    return ProxySettings(
        endpoint_name=_endpoint_name(environ),
        graph=_graph(environ),
        classes=_classes(_required(environ, "CLASSES")),
        resize_mode=_resize_mode(_required(environ, "RESIZE_MODE")),
        threshold=_threshold(_required(environ, "THRESHOLD")),
        threshold_source=_required(environ, "THRESHOLD_SOURCE"),
        **_calibration(_required(environ, "CALIBRATION")),
        model_version=_required(environ, "MODEL_VERSION"),
        region=region,
        runtime_url=endpoint_url(environ, "SAGEMAKER_RUNTIME")
        or f"https://runtime.sagemaker.{region}.{dns_suffix(region)}",
        scheduler_url=endpoint_url(environ, "SCHEDULER") or f"https://scheduler.{region}.{dns_suffix(region)}",
        s3_url=endpoint_url(environ, "S3"),
        dns_suffix=dns_suffix(region),
        stage=_matching(environ, "STAGE", _STAGE, "a deployment stage such as dev"),
        upload_bucket=_matching(environ, "UPLOAD_BUCKET", _BUCKET, "the name of an S3 bucket"),
        evaluation=_evaluation(environ.get("EVALUATION_URI", "").strip()),
        cors_origins=_origins(environ.get("CORS_ORIGINS", "")),
        lease=_lease(environ),
        cost=_cost(environ.get("ENDPOINT_COST", "").strip()),
    )


def _endpoint_name(environ: Mapping[str, str]) -> str | None:
    if not environ.get("GRAPH_URI", "").strip():
        return _matching(environ, "ENDPOINT_NAME", _ENDPOINT_NAME, "a SageMaker endpoint name")
    if name := environ.get("ENDPOINT_NAME", "").strip():
        raise ProxySettingsError(f"ENDPOINT_NAME is {name!r} and GRAPH_URI is set; set one of them.")
    return None


def _graph(environ: Mapping[str, str]) -> GraphObject | None:
    uri = environ.get("GRAPH_URI", "").strip()
    if not uri:
        return None
    match = re.fullmatch(r"s3://([a-z0-9.-]{3,63})/(.+\.onnx)", uri)
    if match is None:
        raise ProxySettingsError(f"GRAPH_URI is {uri!r}; it must be s3://bucket/key.onnx or empty.")
    return GraphObject(match[1], match[2], _matching(environ, "GRAPH_SHA256", _SHA256, "64 hexadecimal digits"))


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise ProxySettingsError(f"{name} is not set; set it in the environment of the function.")
    return value


def _matching(environ: Mapping[str, str], name: str, pattern: re.Pattern[str], allowed: str) -> str:
    value = _required(environ, name)
    if not pattern.fullmatch(value):
        raise ProxySettingsError(f"{name} is {value!r}; it must be {allowed}.")
    return value


def _classes(text: str) -> tuple[str, ...]:
    message = f"CLASSES is {text!r}; it must be a JSON list of at least two different names that include {POSITIVE}."
    try:
        names = json.loads(text)
    except ValueError:
        raise ProxySettingsError(message) from None
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ProxySettingsError(message)
    if len(names) < 2 or len(set(names)) != len(names) or POSITIVE not in names:
        raise ProxySettingsError(message)
    return tuple(names)


def _resize_mode(text: str) -> ResizeMode:
    for resize_mode in RESIZE_MODES:
        if text == resize_mode:
            return resize_mode
    raise ProxySettingsError(f"RESIZE_MODE is {text!r}; it must be {' or '.join(RESIZE_MODES)}.")


def _threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise ProxySettingsError(f"THRESHOLD is {text!r}; it must be a number from 0 to 1.")
    return value


def _calibration(text: str) -> dict[str, float]:
    message = f"CALIBRATION is {text!r}; it must be a JSON object of two numbers, slope (above 0) and intercept."
    try:
        numbers = json.loads(text)
        slope, intercept = float(numbers.pop("slope")), float(numbers.pop("intercept"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ProxySettingsError(message) from None
    if numbers or not (math.isfinite(slope) and math.isfinite(intercept) and slope > 0):
        raise ProxySettingsError(message)
    return {"slope": slope, "intercept": intercept}


def _evaluation(uri: str) -> tuple[str, str] | None:
    if not uri:
        return None
    match = re.fullmatch(r"s3://([a-z0-9.-]{3,63})/(.+/)", uri)
    if match is None:
        raise ProxySettingsError(f"EVALUATION_URI is {uri!r}; it must be s3://bucket/prefix/ or empty.")
    return match[1], match[2]


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(origin for origin in (part.strip() for part in text.split(",")) if origin)
    if not all(re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?", origin) for origin in origins):
        raise ProxySettingsError(
            f"CORS_ORIGINS is {text!r}; it must be a comma-separated list such as https://example.org."
        )
    return origins


def _lease(environ: Mapping[str, str]) -> LeaseSchedule | None:
    if not environ.get("LEASE_SCHEDULE", "").strip():
        return None
    schedule = _matching(environ, "LEASE_SCHEDULE", _SCHEDULE, "the name of a schedule, or empty")
    text = _required(environ, "LEASE_ENDS")
    try:
        ends = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
    except ValueError:
        raise ProxySettingsError(f"LEASE_ENDS is {text!r}; it must be a time such as 2026-11-24T18:00:00.") from None
    return LeaseSchedule(schedule, ends)


def _cost(text: str) -> str:
    try:
        valid = not text or isinstance(json.loads(text), dict)
    except ValueError:
        valid = False
    if not valid:
        raise ProxySettingsError(f"ENDPOINT_COST is {text!r}; it must be a JSON object or empty.")
    return text
