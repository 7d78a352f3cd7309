"""Calls of the deployed API, and what the commands left behind."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from ..builders import STAGE, Demo


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    body: dict[str, Any]


def post(cloud: Demo, body: bytes, *, key: str | None = None, content_type: str = "image/jpeg") -> Answer:
    """Ask the API; a request above the stage's rate is sent again a second later, as its 429 says."""
    headers = {"Content-Type": content_type, "x-api-key": cloud.api.key if key is None else key}
    request = urllib.request.Request(cloud.api.url + "predict", data=body, headers=headers, method="POST")  # noqa: S310
    for _ in range(5):
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                return Answer(response.status, response.headers["Content-Type"], json.load(response))
        except urllib.error.HTTPError as error:
            answer = Answer(error.code, error.headers["Content-Type"], json.load(error))
            if answer.status != 429:
                return answer
        time.sleep(1)
    return answer


def asked(cloud: Demo, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str, bytes]:
    """Ask the API; return status, content type and body. A request above the stage's rate is sent again."""
    given = {"x-api-key": cloud.api.key, **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = urllib.request.Request(cloud.api.url + path, data=body, headers=given)  # noqa: S310
    for _ in range(5):
        try:
            with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
                return response.status, response.headers["Content-Type"], response.read()
        except urllib.error.HTTPError as error:
            if error.code != 429:
                return error.code, error.headers["Content-Type"], error.read()
        time.sleep(1)
    raise AssertionError("throttled five times")


def model_in_context(cloud: Demo) -> dict[str, Any]:
    context = json.loads((cloud.project / "cdk.context.json").read_text())
    found: dict[str, Any] = context[f"model:{STAGE}"]
    return found


def stored(cloud: Demo, name: str) -> bytes:
    """Return a file beside the artifact of the model in context."""
    job = model_in_context(cloud)["training_job"]
    key = f"training/{job}/{name}"
    return bytes(cloud.session.client("s3").get_object(Bucket=cloud.data_bucket, Key=key)["Body"].read())
