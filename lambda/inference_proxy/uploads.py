"""Images that are too large for a request: a presigned PUT to the bucket, and the uploaded image by its id."""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING, Final

from inference_proxy.deadline import Deadline
from inference_proxy.events import Request
from inference_proxy.problems import ProblemError
from inference_proxy.settings import ProxySettings
from inference_proxy.storage import storage_of
from radiograph import MAX_UPLOAD_BYTES

if TYPE_CHECKING:
    from api_types import Upload

EXPIRES_SECONDS: Final = 900
PREFIX: Final = "uploads/"
_ID: Final = re.compile(r"[0-9a-f]{32}")
_TYPES: Final = ("image/jpeg", "image/png")
_MAX_JSON: Final = 10_000


def new_upload(request: Request, settings: ProxySettings) -> Upload:
    """Return the URL for one image of the announced type and size. Raise ProblemError: invalid_json, too_large."""
    body = _json_body(request)
    content_type, size = body.get("content_type"), body.get("bytes")
    if len(body) != 2 or content_type not in _TYPES or not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise ProblemError(
            "invalid_json",
            f'The JSON body must be {{"content_type": T, "bytes": N}}, with T {" or ".join(_TYPES)} and N from 1 to '
            f"{MAX_UPLOAD_BYTES:,}.",
        )
    if size > MAX_UPLOAD_BYTES:
        raise ProblemError(
            "too_large",
            f"Received an announcement of {size:,} bytes; at most {MAX_UPLOAD_BYTES:,} are allowed: "
            "save the image as a smaller file.",
        )
    upload_id = secrets.token_hex(16)
    headers = {"Content-Type": content_type, "Content-Length": str(size)}
    url = storage_of(settings).presigned_put(settings.upload_bucket, PREFIX + upload_id, headers, EXPIRES_SECONDS)
    return {
        "upload_id": upload_id,
        "url": url,
        "method": "PUT",
        "headers": headers,
        "expires_in": EXPIRES_SECONDS,
        "request_id": request.id,
    }


def uploaded_image(request: Request, settings: ProxySettings, deadline: Deadline) -> bytes:
    """Return the image of `{"upload_id": ...}`. Raise ProblemError: invalid_json, upload_not_found."""
    body = _json_body(request)
    upload_id = body.get("upload_id")
    if set(body) != {"upload_id"} or not isinstance(upload_id, str):
        raise ProblemError(
            "invalid_json",
            'The JSON body must be {"upload_id": "..."}, with the upload_id that POST /uploads returned.',
        )
    image = None
    if _ID.fullmatch(upload_id):  # nothing else becomes part of a key
        key = PREFIX + upload_id
        image = storage_of(settings).get(settings.upload_bucket, key, MAX_UPLOAD_BYTES, deadline)
    if image is None:
        raise ProblemError(
            "upload_not_found",
            "No image has this upload_id; uploads are deleted after a day: request a new one with POST /uploads, PUT "
            "the image to its url, then send its upload_id.",
        )
    return image


def _json_body(request: Request) -> dict[str, object]:
    if request.is_base64 or len(request.body) > _MAX_JSON:
        raise ProblemError(
            "invalid_json",
            f"The body must be one JSON object of at most {_MAX_JSON:,} characters, as application/json.",
        )
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ProblemError("invalid_json", "The body must be one JSON object, sent as application/json.")
    return body
