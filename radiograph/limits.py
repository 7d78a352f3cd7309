"""Size limits of a chest radiograph's file and pixels, and the size of the network's input."""

from __future__ import annotations

from typing import Final

from radiograph.errors import ImageError

SIDE: Final = 224
"""Side of the standardised image in pixels: the only size that SageMaker's pretrained image classifier accepts."""

MAX_BYTES: Final = 4_400_000
"""Maximum size in bytes of an encoded image: AWS Lambda accepts 6 MB per request, and base64 adds a third."""

MAX_UPLOAD_BYTES: Final = 25_000_000
"""Maximum size in bytes of an image uploaded to S3: a 16-bit PNG of a 4280 x 3520 plate is smaller."""

MIN_SIDE: Final = 64
"""Minimum of the shorter side in pixels: half the 127 px of the smallest image in the public paediatric collection."""

MAX_ASPECT: Final = 5.0
"""Maximum of longer over shorter side: radiographs reach about 3, scanned strips of text and waveforms more."""

MAX_PIXELS: Final = 40_000_000
"""Maximum number of pixels: more than twice the largest computed-radiography plate (4280 x 3520)."""


def check_bytes(data: bytes, max_bytes: int | None) -> None:
    """Raise ImageError if a file is empty or has more than `max_bytes` bytes (None: no limit)."""
    if not data:
        raise ImageError("empty", "Received 0 bytes; send the bytes of one chest radiograph as JPEG or PNG.")
    if max_bytes is not None and len(data) > max_bytes:
        raise ImageError(
            "too_large",
            f"Received {len(data):,} bytes; at most {max_bytes:,} are allowed: save the image as a smaller JPEG.",
        )


def check_size(width: int, height: int) -> None:
    """Raise ImageError if no chest radiograph has this size in pixels; called before anything is decoded."""
    shape = f"Received an image of {width} x {height} pixels"
    if width * height > MAX_PIXELS:
        raise ImageError(
            "too_many_pixels",
            f"{shape}; at most {MAX_PIXELS:,} pixels are allowed: scale the image down.",
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            "too_small", f"{shape}; each side must have at least {MIN_SIDE}: send the original image, not a thumbnail."
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ImageError(
            "too_elongated",
            f"{shape}; the long side may be at most {MAX_ASPECT:g} times the short side: send one chest radiograph.",
        )
