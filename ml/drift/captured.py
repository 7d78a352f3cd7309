"""Read the requests that SageMaker's data capture stored for an endpoint.

Their keys are DESTINATION/ENDPOINT/VARIANT/yyyy/mm/dd/hh/*.jsonl, by the hour (UTC) of the request, one request a line
(Amazon SageMaker Developer Guide, "Data capture"). Input and output are text if SageMaker takes the content type for
CSV or JSON, otherwise base64.
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

from ml.aws import s3
from ml.drift import features
from ml.errors import UserError
from ml.scoring import output_files
from radiograph import ImageError, ResizeMode

CHUNK = 1 << 16


@dataclass
class Requests:
    """The distinct images among captured requests: the model's own probability and the measures of each.

    Attributes:
        lines: number of requests in the period.
        left_out: number of requests without a usable, distinct image, by reason.
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
class CapturedRequest:
    """One request: its time, the bytes that were sent, the model's own probability of pneumonia."""

    time: dt.datetime
    image: bytes
    score: float


def collect(lines: Iterable[bytes], since: dt.datetime, entry: Mapping[str, Any]) -> Requests:
    """Return the distinct images in the lines of capture files, and count the other lines by reason.

    An image that is sent again (a retry, a health check) counts once. Images that a heat map covered in part do not
    count.
    """
    requests, seen = Requests(), set()
    for line in lines:
        if not line.strip():
            continue
        try:
            request = parse(line, len(entry["classes"]))
        except ValueError as error:
            requests.lines += 1
            requests.left_out[str(error)] += 1
            continue
        if request.time < since:
            continue
        requests.lines += 1
        digest = hashlib.sha256(request.image).digest()
        if digest in seen:
            requests.left_out["the same image again"] += 1
            continue
        seen.add(digest)
        add(requests, request, entry["resize_mode"])
    return requests


def add(requests: Requests, request: CapturedRequest, resize_mode: ResizeMode) -> None:
    """Measure the image of a request, or count why it is left out."""
    try:
        grey = features.pixels(request.image, resize_mode)
    except ImageError:
        requests.left_out["the request is not a usable image"] += 1
        return
    if features.covered(grey):
        requests.left_out["an image covered in part for a heat map"] += 1
        return
    requests.scores.append(request.score)
    requests.measures.append(features.measure(grey))


def parse(line: bytes, classes: int) -> CapturedRequest:
    """Read one line of a capture file.

    Raises:
        ValueError: it is not a captured request, or its answer is not one probability for each class. The message
            contains no part of request and answer.
    """
    try:
        record = json.loads(line)
        data = record["captureData"]
        time = dt.datetime.fromisoformat(record["eventMetadata"]["inferenceTime"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError("the line is not a data capture record") from None
    if time.tzinfo is None:
        time = time.replace(tzinfo=dt.UTC)
    image, answer = payload(data, "endpointInput"), payload(data, "endpointOutput")
    try:
        score = output_files.parse_output(answer.decode(), classes)[1]
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise ValueError(f"the answer is not {classes} probabilities") from None
    return CapturedRequest(time, image, score)


def payload(data: Any, side: str) -> bytes:
    """Return the body of the request ("endpointInput") or the answer ("endpointOutput").

    Raises:
        ValueError: it was not captured, or its encoding is not the declared one.
    """
    record = data.get(side) if isinstance(data, dict) else None
    text = record.get("data") if isinstance(record, dict) else None
    if record is None or not isinstance(text, str):
        raise ValueError(f"{side} was not captured")
    if record.get("encoding") != "BASE64":
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{side} is not base64") from None


def read(config: Mapping[str, Any], endpoint: str, since: dt.datetime, entry: Mapping[str, Any]) -> Requests:
    """Return the images that an endpoint received since a time (UTC).

    Args:
        config: answer of DescribeEndpointConfig, with data capture enabled.

    Raises:
        UserError: nothing was captured, or nothing usable.
    """
    prefix = f"{config['DataCaptureConfig']['DestinationS3Uri'].rstrip('/')}/{endpoint}/"
    variants = [variant["VariantName"] for variant in config["ProductionVariants"]]
    requests = collect(lines_below(prefix, variants, days(since)), since, entry)
    if not requests.lines:
        raise UserError(
            f"{prefix} holds no request since {since:%Y-%m-%d %H:%M} UTC. SageMaker writes captured requests after "
            "some minutes; try later, give more --days, or give images with --input S3_OR_FOLDER."
        )
    if not requests.scores:
        raise UserError(
            f"{prefix} holds {requests}: nothing to compare. Check the clients of the endpoint, or give images with "
            "--input S3_OR_FOLDER."
        )
    return requests


def days(since: dt.datetime) -> list[str]:
    """Return the days from a time until now as in the keys of capture files, yyyy/mm/dd."""
    count = (dt.datetime.now(dt.UTC).date() - since.date()).days + 1
    return [f"{since.date() + dt.timedelta(number):%Y/%m/%d}" for number in range(count)]


def lines_below(uri: str, variants: Sequence[str], dates: Sequence[str]) -> Iterator[bytes]:
    """Yield the lines of every capture file of these variants and days below an S3 URI."""
    name, prefix = s3.split_uri(uri)
    bucket = s3.Bucket(name)
    for variant in variants:
        for date in dates:
            for key in bucket.sizes(f"{prefix}{variant}/{date}/"):
                if key.endswith(".jsonl"):
                    yield from bucket.client.get_object(Bucket=name, Key=key)["Body"].iter_lines(CHUNK)
