"""What a chest radiograph may be, and the shape the network takes."""

from __future__ import annotations

from typing import Final

from radiograph.errors import ImageError

SIDE: Final = 224
"""Side of the standardised image in pixels: the only input of SageMaker's pretrained image classifier."""

MAX_BYTES: Final = 4_400_000
"""Largest encoded image in bytes: AWS Lambda takes 6 MB per request, and base64 makes 4/3 of it."""

MAX_UPLOAD_BYTES: Final = 25_000_000
"""Largest encoded image that reaches the API by way of S3: a 16-bit plate of 4280 x 3520 pixels as PNG has less."""

MIN_SIDE: Final = 64
"""Shortest side in pixels: half the 127 px of the smallest image in the public paediatric collection."""

MAX_ASPECT: Final = 5.0
"""Longest over shortest side: images reach about 3, a scanned strip of text or a waveform goes beyond."""

MAX_PIXELS: Final = 40_000_000
"""Width times height: more than twice the largest computed-radiography plate (4280 x 3520 pixels)."""


def check_bytes(data: bytes, max_bytes: int | None) -> None:
    """Refuse an empty file and one of more than `max_bytes` bytes (None: no limit); raises ImageError."""
    if not data:
        raise ImageError("empty", "Received 0 bytes; send the bytes of one chest radiograph as JPEG or PNG.")
    if max_bytes is not None and len(data) > max_bytes:
        raise ImageError(
            "too_large",
            f"Received {len(data):,} bytes; at most {max_bytes:,} are allowed: save the image as a smaller JPEG.",
        )


def check_size(width: int, height: int) -> None:
    """Refuse sizes in pixels that no chest radiograph has, before anything is decoded; raises ImageError."""
    shape = f"Received an image of {width} x {height} pixels"
    if width * height > MAX_PIXELS:
        raise ImageError(
            "too_many_pixels",
            f"{shape}; at most {MAX_PIXELS:,} pixels are allowed: scale the image down and try again.",
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            "too_small", f"{shape}; each side needs at least {MIN_SIDE}: send the original image, not a thumbnail."
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ImageError(
            "too_elongated",
            f"{shape}; the long side may be at most {MAX_ASPECT:g} times the short one: send one chest radiograph.",
        )
