"""Every way a request can fail: one stable code, one status, one title (RFC 9457 problem details)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from radiograph import ImageError

CONTENT_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:pneumonia-api:problem:"


class Kind(NamedTuple):
    """Status and title of all problems with the same code."""

    status: int
    title: str


IMAGE_KINDS: Final[Mapping[str, Kind]] = {
    "empty": Kind(400, "Empty body"),
    "broken": Kind(400, "Broken image"),
    "truncated": Kind(400, "Truncated image"),
    "too_large": Kind(413, "Image too large"),
    "unsupported_format": Kind(415, "Unsupported image format"),
    "unsupported_encoding": Kind(415, "Unsupported image encoding"),
    "too_small": Kind(422, "Image too small"),
    "too_elongated": Kind(422, "Image too elongated"),
    "too_many_pixels": Kind(422, "Too many pixels"),
    "too_complex": Kind(422, "Image too complex"),
    "multi_frame": Kind(422, "More than one frame"),
    "not_a_radiograph": Kind(422, "Not a chest radiograph"),
    "wrong_modality": Kind(422, "Not a radiograph"),
    "wrong_view": Kind(422, "Not a frontal view"),
    "no_pixels": Kind(422, "No image in the file"),
}

KINDS: Final[Mapping[str, Kind]] = {
    **IMAGE_KINDS,
    "malformed_event": Kind(400, "Malformed request"),
    "invalid_base64": Kind(400, "Invalid base64"),
    "invalid_json": Kind(400, "Invalid JSON"),
    "upload_not_found": Kind(404, "No such upload"),
    "not_found": Kind(404, "No such resource"),
    "method_not_allowed": Kind(405, "Method not allowed"),
    "missing_content_type": Kind(415, "Missing Content-Type"),
    "unsupported_media_type": Kind(415, "Unsupported Content-Type"),
    "content_type_mismatch": Kind(415, "Content-Type and image disagree"),
    "body_not_binary": Kind(415, "Body not binary"),
    "model_rejected_image": Kind(422, "Image rejected by the model"),
    "endpoint_throttled": Kind(429, "Too many requests"),
    "internal_error": Kind(500, "Internal error"),
    "misconfigured": Kind(500, "Misconfigured deployment"),
    "model_error": Kind(502, "Model failed"),
    "model_missing": Kind(502, "No model graph"),
    "model_hash_mismatch": Kind(502, "Altered model graph"),
    "model_broken": Kind(502, "Broken model graph"),
    "model_output_invalid": Kind(502, "Invalid model output"),
    "endpoint_missing": Kind(502, "No model endpoint"),
    "endpoint_access_denied": Kind(502, "Model endpoint refused access"),
    "endpoint_rejected_request": Kind(502, "Model endpoint refused the request"),
    "endpoint_failure": Kind(502, "Model endpoint failed"),
    "storage_unavailable": Kind(503, "Storage unavailable"),
    "endpoint_not_ready": Kind(503, "Model endpoint not ready"),
    "endpoint_unavailable": Kind(503, "Model endpoint unavailable"),
    "endpoint_unreachable": Kind(503, "Model endpoint unreachable"),
    "endpoint_timeout": Kind(504, "Model endpoint timed out"),
    "model_timeout": Kind(504, "Model timed out"),
    "explain_timeout": Kind(504, "Heat map timed out"),
}


class ProblemError(Exception):
    """A request that fails.

    `code` is a key of KINDS. `detail` tells the caller what was received, what is allowed, and what to do.
    `headers` are added to the response. `cause` is for the log only: it can name AWS resources, never scores or bytes.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        cause: Mapping[str, str | int] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.kind = KINDS[code]
        self.detail = detail
        self.headers = dict(headers or {})
        self.cause = dict(cause or {})

    def document(self, request_id: str) -> dict[str, str | int]:
        """Return the problem details object of RFC 9457, with `code` and `request_id` as extension members."""
        return {
            "type": TYPE_PREFIX + self.code,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        }


def from_image_error(error: ImageError) -> ProblemError:
    """Return the problem of a rejected image, with the same code and sentence."""
    return ProblemError(error.code, str(error))
