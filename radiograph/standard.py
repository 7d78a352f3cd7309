"""The one shape and encoding in which a film reaches the network: in training, batch transform and the API."""

from __future__ import annotations

from io import BytesIO
from typing import Final, Literal, get_args

from PIL import Image

from radiograph.limits import MAX_BYTES, SIDE
from radiograph.read import Decoded, decode, upright

Policy = Literal["squash", "pad"]
POLICIES: tuple[Policy, ...] = get_args(Policy)

# LANCZOS has the steepest stop band of Pillow's filters: the lines of an anti-scatter grid, finer than the target's
# pixels, vanish instead of turning into moire, while rib edges and vessels stay sharp.
_FILTER: Final = Image.Resampling.LANCZOS
# Cheap reductions (DCT scaling, then whole-pixel boxes) stop above the target, so the filter decides what is seen.
MARGIN: Final = 1.5
_QUALITY: Final = 95


def standardise(data: bytes, *, policy: Policy = "squash", max_bytes: int | None = MAX_BYTES) -> bytes:
    """JPEG or PNG bytes of a film to the network's input: a JPEG of exactly 224 x 224 RGB pixels with R = G = B.

    "squash" scales both sides to 224 and gives up the aspect ratio, as SageMaker's classifier does with any other
    size; "pad" keeps it and adds black. Quality 95, 4:4:4, no metadata. The same bytes in give the same bytes out.
    Raises FilmError.
    """
    return encode(standard_film(data, policy=policy, max_bytes=max_bytes))


def standard_film(data: bytes, *, policy: Policy = "squash", max_bytes: int | None = MAX_BYTES) -> Image.Image:
    """The pixels of `standardise` before encoding: mode "L", 224 x 224. Raises FilmError."""
    return fit_decoded(decode(data, max_bytes=max_bytes, at_least=round(MARGIN * SIDE)), policy)


def fit(film: Image.Image, policy: Policy = "squash") -> Image.Image:
    """An upright film of mode "L" and any size, scaled to 224 x 224 as `standardise` does."""
    return fit_decoded(Decoded(film, (0.0, 0.0, float(film.width), float(film.height)), 1, 0.0), policy)


def encode(film: Image.Image) -> bytes:
    """A film of mode "L" as JPEG bytes: RGB with R = G = B, quality 95, 4:4:4, no metadata, of the same size."""
    buffer = BytesIO()
    film.convert("RGB").save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue()


def fit_decoded(film: Decoded, policy: Policy) -> Image.Image:
    """A decoded film, upright and 224 x 224 pixels; see `standardise` for the policies."""
    if film.image.mode != "L":
        raise ValueError(f"A film has mode 'L', this image {film.image.mode!r}; use radiograph.read_film.")
    if policy not in POLICIES:
        raise ValueError(f"Unknown policy {policy!r}; allowed: {', '.join(POLICIES)}.")
    left, upper, right, lower = film.box
    width, height = right - left, lower - upper
    size = (SIDE, SIDE)
    if policy == "pad":
        scale = SIDE / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Turned after scaling: that moves 224 x 224 pixels and not the whole film, and the box stays in stored pixels.
    small = upright(film.image.resize(size, _FILTER, box=film.box, reducing_gap=float(MARGIN)), film.orientation)
    if small.size == (SIDE, SIDE):
        return small
    padded = Image.new("L", (SIDE, SIDE), 0)
    padded.paste(small, ((SIDE - small.width) // 2, (SIDE - small.height) // 2))
    return padded
