"""The one shape and encoding in which an image reaches the network: in training, batch transform and the API."""

from __future__ import annotations

from io import BytesIO
from typing import Final, Literal, get_args

from PIL import Image

from radiograph.limits import MAX_BYTES, SIDE
from radiograph.read import Decoded, decode, upright

ResizeMode = Literal["squash", "pad"]
RESIZE_MODES: tuple[ResizeMode, ...] = get_args(ResizeMode)

# LANCZOS has the steepest stop band of Pillow's filters: the lines of an anti-scatter grid, finer than the target's
# pixels, vanish instead of turning into moire, while rib edges and vessels stay sharp.
_FILTER: Final = Image.Resampling.LANCZOS
# Cheap reductions (DCT scaling, then whole-pixel boxes) stop above the target, so the filter decides what is seen.
MARGIN: Final = 1.5
_QUALITY: Final = 95


def standardise(data: bytes, *, resize_mode: ResizeMode = "squash", max_bytes: int | None = MAX_BYTES) -> bytes:
    """JPEG or PNG bytes of an image to the network's input: a JPEG of exactly 224 x 224 RGB pixels with R = G = B.

    "squash" scales both sides to 224 and gives up the aspect ratio, as SageMaker's classifier does with any other
    size; "pad" keeps it and adds black. Quality 95, 4:4:4, no metadata. The same bytes in give the same bytes out.
    Raises ImageError.
    """
    return encode(standard_image(data, resize_mode=resize_mode, max_bytes=max_bytes))


def standard_image(
    data: bytes, *, resize_mode: ResizeMode = "squash", max_bytes: int | None = MAX_BYTES
) -> Image.Image:
    """The pixels of `standardise` before encoding: mode "L", 224 x 224. Raises ImageError."""
    return fit_decoded(decode(data, max_bytes=max_bytes, at_least=round(MARGIN * SIDE)), resize_mode)


def fit(image: Image.Image, resize_mode: ResizeMode = "squash") -> Image.Image:
    """An upright image of mode "L" and any size, scaled to 224 x 224 as `standardise` does."""
    return fit_decoded(Decoded(image, (0.0, 0.0, float(image.width), float(image.height)), 1, 0.0), resize_mode)


def encode(image: Image.Image) -> bytes:
    """An image of mode "L" as JPEG bytes: RGB with R = G = B, quality 95, 4:4:4, no metadata, of the same size."""
    buffer = BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue()


def fit_decoded(image: Decoded, resize_mode: ResizeMode) -> Image.Image:
    """A decoded image, upright and 224 x 224 pixels; see `standardise` for the resize modes."""
    if image.image.mode != "L":
        raise ValueError(f"An image has mode 'L', this image {image.image.mode!r}; use radiograph.read_image.")
    if resize_mode not in RESIZE_MODES:
        raise ValueError(f"Unknown resize_mode {resize_mode!r}; allowed: {', '.join(RESIZE_MODES)}.")
    left, upper, right, lower = image.box
    width, height = right - left, lower - upper
    size = (SIDE, SIDE)
    if resize_mode == "pad":
        scale = SIDE / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Turned after scaling: that moves 224 x 224 pixels and not the whole image, and the box stays in stored pixels.
    small = upright(image.image.resize(size, _FILTER, box=image.box, reducing_gap=float(MARGIN)), image.orientation)
    if small.size == (SIDE, SIDE):
        return small
    padded = Image.new("L", (SIDE, SIDE), 0)
    padded.paste(small, ((SIDE - small.width) // 2, (SIDE - small.height) // 2))
    return padded
