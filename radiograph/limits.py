"""What a chest film may be, and the shape the network takes."""

from __future__ import annotations

from typing import Final

from radiograph.errors import FilmError

SIDE: Final = 224
"""Side of the standardised film in pixels: the only input of SageMaker's pretrained image classifier."""

MAX_BYTES: Final = 4_400_000
"""Largest encoded film in bytes: AWS Lambda takes 6 MB per request, and base64 makes 4/3 of it."""

MAX_UPLOAD_BYTES: Final = 25_000_000
"""Largest encoded film that reaches the API by way of S3: a 16-bit plate of 4280 x 3520 pixels as PNG has less."""

MIN_SIDE: Final = 64
"""Shortest side in pixels: half the 127 px of the smallest film in the public paediatric collection."""

MAX_ASPECT: Final = 5.0
"""Longest over shortest side: films reach about 3, a scanned strip of text or a waveform goes beyond."""

MAX_PIXELS: Final = 40_000_000
"""Width times height: more than twice the largest computed-radiography plate (4280 x 3520 pixels)."""


def check_bytes(data: bytes, max_bytes: int | None) -> None:
    """Refuse an empty file and one of more than `max_bytes` bytes (None: no limit); raises FilmError."""
    if not data:
        raise FilmError("empty", "Received 0 bytes; send the bytes of one chest film as JPEG or PNG.")
    if max_bytes is not None and len(data) > max_bytes:
        raise FilmError(
            "too_large",
            f"Received {len(data):,} bytes; at most {max_bytes:,} are allowed: save the film as a smaller JPEG.",
        )


def check_size(width: int, height: int) -> None:
    """Refuse sizes in pixels that no chest film has, before anything is decoded; raises FilmError."""
    shape = f"Received an image of {width} x {height} pixels"
    if width * height > MAX_PIXELS:
        raise FilmError(
            "too_many_pixels", f"{shape}; at most {MAX_PIXELS:,} pixels are allowed: scale the film down and try again."
        )
    if min(width, height) < MIN_SIDE:
        raise FilmError(
            "too_small", f"{shape}; each side needs at least {MIN_SIDE}: send the original film, not a thumbnail."
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise FilmError(
            "too_elongated",
            f"{shape}; the long side may be at most {MAX_ASPECT:g} times the short one: send one whole chest film.",
        )
