"""The requests that SageMaker's data capture has stored of an endpoint.

They lie at DESTINATION/ENDPOINT/VARIANT/yyyy/mm/dd/hh/*.jsonl, by the hour (UTC) of the request, one request a line
(Amazon SageMaker Developer Guide, "Data capture"). Input and output are text where SageMaker takes the content type for
CSV or JSON, else base64.
"""

import base64
import binascii
import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml.aws import clients
from ml.drift import features
from ml.errors import UserError
from ml.scoring import output_files
from radiograph import ImageError, ResizeMode

CHUNK = 1 << 16


@dataclass
class Requests:
    """The distinct images among captured requests: the model's own probability and the measures of each.

    Attributes:
        lines: all requests of the time asked for.
        left_out: how many of them are no image of their own, by the reason.
    """

    scores: list[float] = field(default_factory=list)
    measures: list[tuple[float, ...]] = field(default_factory=list)
    lines: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        shown = "; ".join(f"{count} x {reason}" for reason, count in self.left_out.most_common())
        return f"{self.lines} captured requests, {len(self.scores)} distinct images" + (
            f" (left out: {shown})" if shown else ""
        )


@dataclass(frozen=True)
class Request:
    """One line: when it was asked, the bytes that were sent, the model's own probability of pneumonia."""

    time: dt.datetime
    image: bytes
    score: float


def collect(lines: Iterable[bytes], since: dt.datetime, entry: Mapping[str, Any]) -> Requests:
    """Return the distinct images among the lines of capture files; what is none is counted with its reason.

    An image that is sent again (a retry, a health check) counts once. Those of which a heat map covered a part are not
    counted.
    """
    found, seen = Requests(), set()
    for line in lines:
        if not line.strip():
            continue
        try:
            request = parse(line, len(entry["classes"]))
        except ValueError as error:
            found.lines += 1
            found.left_out[str(error)] += 1
            continue
        if request.time < since:
            continue
        found.lines += 1
        digest = hashlib.sha256(request.image).digest()
        if digest in seen:
            found.left_out["the same image again"] += 1
            continue
        seen.add(digest)
        add(found, request, entry["resize_mode"])
    return found


def add(found: Requests, request: Request, resize_mode: ResizeMode) -> None:
    """Measure the image of a request, or note why it is left out."""
    try:
        grey = features.pixels(request.image, resize_mode)
    except ImageError:
        found.left_out["what was sent is no usable image"] += 1
        return
    if features.covered(grey):
        found.left_out["an image covered in part for a heat map"] += 1
        return
    found.scores.append(request.score)
    found.measures.append(features.measure(grey))


def parse(line: bytes, classes: int) -> Request:
    """Read one line of a capture file.

    Raises:
        ValueError: it is no captured request, or its answer is not one probability for each class. The sentence holds
            nothing of what was sent or answered.
    """
    try:
        record = json.loads(line)
        data = record["captureData"]
        time = dt.datetime.fromisoformat(record["eventMetadata"]["inferenceTime"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("the line is no record of data capture") from None
    if time.tzinfo is None:
        time = time.replace(tzinfo=dt.UTC)
    image, answer = payload(data, "endpointInput"), payload(data, "endpointOutput")
    try:
        score = output_files.parse_output(answer.decode(), classes)[1]
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise ValueError(f"the answer is not {classes} probabilities") from None
    return Request(time, image, score)


def payload(data: Any, side: str) -> bytes:
    """Return what was sent ("endpointInput") or answered ("endpointOutput").

    Raises:
        ValueError: it was not captured, or is not encoded as its record says.
    """
    found = data.get(side) if isinstance(data, dict) else None
    text = found.get("data") if isinstance(found, dict) else None
    if found is None or not isinstance(text, str):
        raise ValueError(f"{side} was not captured")
    if found.get("encoding") != "BASE64":
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{side} is not base64") from None


def read(config: Mapping[str, Any], endpoint: str, since: dt.datetime, entry: Mapping[str, Any]) -> Requests:
    """Return the images that an endpoint was sent since a time (UTC).

    Args:
        config: of the endpoint, as DescribeEndpointConfig answers, with data capture enabled.

    Raises:
        UserError: nothing was captured, or nothing that can be used.
    """
    place = f"{config['DataCaptureConfig']['DestinationS3Uri'].rstrip('/')}/{endpoint}/"
    variants = [one["VariantName"] for one in config["ProductionVariants"]]
    found = collect(lines_below(place, variants, days(since)), since, entry)
    if not found.lines:
        raise UserError(
            f"{place} holds no request since {since:%Y-%m-%d %H:%M} UTC. SageMaker writes what it captures after some "
            "minutes; ask later, give more --days, or give images with --input S3_OR_FOLDER."
        )
    if not found.scores:
        raise UserError(
            f"{place} holds {found}: nothing to compare. Look at what calls the endpoint, or give images with --input "
            "S3_OR_FOLDER."
        )
    return found


def days(since: dt.datetime) -> list[str]:
    """Return the days from a time until now as capture files are filed, yyyy/mm/dd."""
    last = dt.datetime.now(dt.UTC).date()
    count = (last - since.date()).days + 1
    return [f"{since.date() + dt.timedelta(number):%Y/%m/%d}" for number in range(count)]


def lines_below(place: str, variants: Sequence[str], dates: Sequence[str]) -> Iterator[bytes]:
    """Yield the lines of every capture file of these variants and days."""
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    s3 = clients.client("s3")
    for variant in variants:
        for date in dates:
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}{variant}/{date}/")
            for key in (item["Key"] for page in pages for item in page.get("Contents", [])):
                if key.endswith(".jsonl"):
                    yield from s3.get_object(Bucket=bucket, Key=key)["Body"].iter_lines(CHUNK)
