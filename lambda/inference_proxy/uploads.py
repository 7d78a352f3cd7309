"""Images too large for a request: a presigned PUT into the bucket, and the image read back by its id."""

from __future__ import annotations

import json
import re
import secrets
from typing import Final

from inference_proxy.deadline import Deadline
from inference_proxy.events import Request
from inference_proxy.problems import ProblemError
from inference_proxy.settings import Settings
from inference_proxy.storage import storage_of
from radiograph import MAX_UPLOAD_BYTES

EXPIRES_SECONDS: Final = 900
PREFIX: Final = "uploads/"
_ID: Final = re.compile(r"[0-9a-f]{32}")
_TYPES: Final = ("image/jpeg", "image/png")
_MAX_JSON: Final = 10_000
_WANTED: Final = (
    'send {"content_type": "image/jpeg" or "image/png", "bytes": N} as application/json, '
    f"with N from 1 to {MAX_UPLOAD_BYTES:,}"
)


def new_upload(request: Request, settings: Settings) -> dict[str, object]:
    """Where one image of the announced type and size may be put. Raises ProblemError: 400 invalid_json, 413, 415."""
    asked = json_body(request)
    kind, count = asked.get("content_type"), asked.get("bytes")
    if kind not in _TYPES or not isinstance(count, int) or isinstance(count, bool) or count < 1 or len(asked) != 2:
        raise ProblemError("invalid_json", f"Received JSON that announces no upload; {_WANTED}.")
    if count > MAX_UPLOAD_BYTES:
        raise ProblemError(
            "too_large",
            f"Received the announcement of {count:,} bytes; at most {MAX_UPLOAD_BYTES:,} are allowed: "
            "save the image as a smaller file.",
        )
    identity = secrets.token_hex(16)
    headers = {"Content-Type": kind, "Content-Length": str(count)}
    url = storage_of(settings).presigned_put(settings.upload_bucket, PREFIX + identity, headers, EXPIRES_SECONDS)
    return {
        "upload_id": identity,
        "url": url,
        "method": "PUT",
        "headers": headers,
        "expires_in": EXPIRES_SECONDS,
        "request_id": request.id,
    }


def uploaded_image(request: Request, settings: Settings, deadline: Deadline) -> bytes:
    """The image that `{"upload_id": ...}` names. Raises ProblemError: 400 invalid_json, 404 upload_not_found."""
    asked = json_body(request)
    identity = asked.get("upload_id")
    if set(asked) != {"upload_id"} or not isinstance(identity, str):
        raise ProblemError(
            "invalid_json", 'Received JSON that names no upload; send {"upload_id": "..."} as POST /uploads gave it.'
        )
    # What is no id cannot be one, and becomes no part of a key.
    found = None
    if _ID.fullmatch(identity):
        key = PREFIX + identity
        found = storage_of(settings).get(settings.upload_bucket, key, MAX_UPLOAD_BYTES, deadline)
    if found is None:
        raise ProblemError(
            "upload_not_found",
            "Received an upload_id under which there is no image; uploads are kept for a day: "
            "ask POST /uploads for a new one, PUT the image to its url, then send its upload_id.",
        )
    return found


def json_body(request: Request) -> dict[str, object]:
    """The JSON object in the body. Raises ProblemError `invalid_json`."""
    if request.is_base64 or len(request.body) > _MAX_JSON:
        raise ProblemError("invalid_json", "Received no short JSON text; send one JSON object as application/json.")
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ProblemError("invalid_json", "Received a body that is not a JSON object; send one as application/json.")
    return found
