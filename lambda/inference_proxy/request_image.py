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
from inference_proxy.settings import Settings
from inference_proxy.uploads import uploaded_image
from radiograph import MAX_BYTES, MAX_UPLOAD_BYTES, ImageError, ResizeMode, media_type
from radiograph.frontal_check import standardise_frontal

# What the image's first bytes may say for each Content-Type. application/x-image is SageMaker's name for "either".
ACCEPTED: Final = {
    "image/jpeg": frozenset({"image/jpeg"}),
    "image/png": frozenset({"image/png"}),
    "application/x-image": frozenset({"image/jpeg", "image/png"}),
}
_JSON: Final = "application/json"
_ALLOWED: Final = "image/jpeg, image/png and application/x-image are allowed"
# RFC 9110, 8.3.1: type "/" subtype, both tokens. Only such a value is repeated to the caller, and only a short one.
_MEDIA_TYPE: Final = re.compile(r"[!#$%&'*+.^_`|~\w-]{1,63}/[!#$%&'*+.^_`|~\w-]{1,63}", re.ASCII)


def received_image(request: Request, settings: Settings, deadline: Deadline) -> bytes:
    """The encoded image that the request brings, of the format its Content-Type names, or the upload that it names.

    At most MAX_BYTES bytes in the body, and MAX_UPLOAD_BYTES by way of an upload.
    Raises ProblemError: 400 no body, invalid base64 or JSON, 404 no upload, 413 too large, 415 wrong type.
    """
    if not request.body:
        raise ProblemError("empty", "Received no body; send the bytes of one chest radiograph as JPEG or PNG.")
    declared = _declared_type(request)
    if declared == _JSON:
        return uploaded_image(request, settings, deadline)
    data = _decoded(request)
    found = media_type(data)
    # Formats that are accepted under no Content-Type are named by radiograph, with the way out.
    if found in ACCEPTED and found not in ACCEPTED[declared]:
        raise ProblemError(
            "content_type_mismatch",
            f"Received Content-Type {declared} with {found} bytes; "
            f"send Content-Type {found}, or application/x-image for either.",
        )
    return data


def standard_image(data: bytes, resize_mode: ResizeMode) -> Image.Image:
    """Return the image as the network takes it, mode "L" (see `radiograph.frontal_check`).

    Raises ProblemError 400, 413, 415 or 422.
    """
    try:
        return standardise_frontal(data, resize_mode=resize_mode, max_bytes=MAX_UPLOAD_BYTES)
    except ImageError as error:
        raise from_image_error(error) from error


def _declared_type(request: Request) -> str:
    values = {value.split(";", 1)[0].strip().lower() for value in request.headers.get("content-type", ())} - {""}
    if not values:
        raise ProblemError("missing_content_type", f"Received no Content-Type; {_ALLOWED}: name the one you send.")
    if len(values) > 1:
        raise ProblemError("unsupported_media_type", f"Received more than one Content-Type; {_ALLOWED}: send one.")
    (value,) = values
    if value != _JSON and value not in ACCEPTED:
        named = f"Content-Type {value}" if _MEDIA_TYPE.fullmatch(value) else "a Content-Type that names no media type"
        raise ProblemError(
            "unsupported_media_type", f"Received {named}; {_ALLOWED}: send the image file itself as the body."
        )
    return value


def _decoded(request: Request) -> bytes:
    if not request.is_base64:
        # The gateway has already replaced every byte that is not UTF-8: the image cannot be restored here.
        raise ProblemError(
            "body_not_binary",
            f"Received a body that came through as text; {_ALLOWED}: send a Content-Type that is exactly one of them.",
        )
    # Before decoding: what is too large should cost neither the memory nor the time.
    size = len(request.body) // 4 * 3 - request.body[-2:].count("=")
    if size > MAX_BYTES:
        raise ProblemError(
            "too_large",
            f"Received {size:,} bytes; at most {MAX_BYTES:,} are allowed: "
            "save the image as a smaller JPEG (the network sees 224 x 224 pixels), or ask POST /uploads for a place.",
        )
    try:
        return base64.b64decode(request.body, validate=True)
    except (binascii.Error, ValueError):
        raise ProblemError(
            "invalid_base64", "Received a body that is not the base64 its event says it is; send the image's raw bytes."
        ) from None
