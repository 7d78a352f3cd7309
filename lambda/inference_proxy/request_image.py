"""The request's body as a standardised image."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from PIL import Image

from inference_proxy.deadline import Deadline
from inference_proxy.events import Request
from inference_proxy.problems import ProblemError, from_image_error
from inference_proxy.settings import ProxySettings
from inference_proxy.uploads import uploaded_image
from radiograph import MAX_BYTES, MAX_UPLOAD_BYTES, ImageError, ResizeMode, media_type
from radiograph.frontal_check import standardise_frontal

# Formats that each Content-Type allows, by the image's first bytes. application/x-image is SageMaker's name for both.
ACCEPTED: Final = {
    "image/jpeg": frozenset({"image/jpeg"}),
    "image/png": frozenset({"image/png"}),
    "application/x-image": frozenset({"image/jpeg", "image/png"}),
}
_JSON: Final = "application/json"
_ALLOWED: Final = "image/jpeg, image/png and application/x-image are allowed"
# RFC 9110, 8.3.1: type "/" subtype, both tokens. Problem details repeat only such a value, and only a short one.
_MEDIA_TYPE: Final = re.compile(r"[!#$%&'*+.^_`|~\w-]{1,63}/[!#$%&'*+.^_`|~\w-]{1,63}", re.ASCII)


def received_image(request: Request, settings: ProxySettings, deadline: Deadline) -> bytes:
    """Return the encoded image in the request's body, or the uploaded image that the body names.

    An image has at most MAX_BYTES bytes in the body, and MAX_UPLOAD_BYTES as an upload.
    Raise ProblemError: 400 no body, invalid base64 or JSON, 404 no upload, 413 too large, 415 wrong type.
    """
    if not request.body:
        raise ProblemError("empty", "The request has no body; send the bytes of one chest radiograph as JPEG or PNG.")
    declared = _declared_type(request)
    if declared == _JSON:
        return uploaded_image(request, settings, deadline)
    data = _decoded(request)
    actual = media_type(data)
    # radiograph rejects the formats that no Content-Type allows, with its own sentence.
    if actual in ACCEPTED and actual not in ACCEPTED[declared]:
        raise ProblemError(
            "content_type_mismatch",
            f"Received Content-Type {declared} with {actual} bytes; "
            f"send Content-Type {actual}, or application/x-image for either.",
        )
    return data


def standard_image(data: bytes, resize_mode: ResizeMode) -> Image.Image:
    """Return the image in the network's input format, mode "L" (see `radiograph.frontal_check`).

    Raise ProblemError 400, 413, 415 or 422.
    """
    try:
        return standardise_frontal(data, resize_mode=resize_mode, max_bytes=MAX_UPLOAD_BYTES)
    except ImageError as error:
        raise from_image_error(error) from error


def _declared_type(request: Request) -> str:
    values = {value.split(";", 1)[0].strip().lower() for value in request.headers.get("content-type", ())} - {""}
    if not values:
        raise ProblemError("missing_content_type", f"The request has no Content-Type; {_ALLOWED}: send one.")
    if len(values) > 1:
        raise ProblemError("unsupported_media_type", f"Received more than one Content-Type; {_ALLOWED}: send one.")
    (value,) = values
    if value != _JSON and value not in ACCEPTED:
        is_type = _MEDIA_TYPE.fullmatch(value)
        received = f"Content-Type {value}" if is_type else "a Content-Type that is not a media type"
        raise ProblemError(
            "unsupported_media_type", f"Received {received}; {_ALLOWED}: send the image file itself as the body."
        )
    return value


def _decoded(request: Request) -> bytes:
    if not request.is_base64:
        # The gateway has already replaced all bytes that are not UTF-8, and the image cannot be restored.
        raise ProblemError(
            "body_not_binary",
            f"The body arrived as text, not as bytes; {_ALLOWED}: send a Content-Type that is exactly one of them.",
        )
    # Reject large bodies before decoding, which takes memory and time.
    size = len(request.body) // 4 * 3 - request.body[-2:].count("=")
    if size > MAX_BYTES:
        raise ProblemError(
            "too_large",
            f"Received {size:,} bytes; at most {MAX_BYTES:,} are allowed: "
            "save the image as a smaller JPEG (the network sees 224 x 224 pixels), or use POST /uploads.",
        )
    try:
        return base64.b64decode(request.body, validate=True)
    except (binascii.Error, ValueError):
        raise ProblemError(
            "invalid_base64", "The request body is not valid base64; send the image's raw bytes to the API's URL."
        ) from None
