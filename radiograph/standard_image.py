"""The one size and encoding of the network's input, in training, batch transform and the API."""

from __future__ import annotations

from io import BytesIO
from typing import Final, Literal, get_args

from PIL import Image

from radiograph.limits import MAX_BYTES, SIDE
from radiograph.read import Decoded, decode, upright

ResizeMode = Literal["squash", "pad"]
RESIZE_MODES: tuple[ResizeMode, ...] = get_args(ResizeMode)

# LANCZOS has the steepest stop band of Pillow's filters. The lines of an anti-scatter grid are finer than the target's
# pixels: they vanish instead of turning into moire, while rib edges and vessels stay sharp.
_FILTER: Final = Image.Resampling.LANCZOS
# Cheap reductions (DCT scaling, then whole-pixel boxes) stop above the target size, and the filter does the rest.
MARGIN: Final = 1.5
_QUALITY: Final = 95


def standardise(data: bytes, *, resize_mode: ResizeMode = "squash", max_bytes: int | None = MAX_BYTES) -> Image.Image:
    """Read JPEG or PNG bytes and return the image upright, mode "L", 224 x 224 pixels.

    "squash" scales both sides to 224 and gives up the aspect ratio, as SageMaker's classifier does with any other
    size. "pad" keeps the aspect ratio and adds black. The same bytes give the same pixels. Raises ImageError.
    """
    return resize_decoded(decode(data, max_bytes=max_bytes, at_least=round(MARGIN * SIDE)), resize_mode)


def resize(image: Image.Image, resize_mode: ResizeMode = "squash") -> Image.Image:
    """Resize an upright image of mode "L" to 224 x 224 pixels; see `standardise` for the resize modes."""
    return resize_decoded(Decoded(image, (0.0, 0.0, float(image.width), float(image.height)), 1, 0.0), resize_mode)


def encode(image: Image.Image) -> bytes:
    """Return an image of mode "L" as JPEG bytes: RGB with R = G = B, quality 95, 4:4:4, no metadata, same size."""
    buffer = BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue()


def resize_decoded(decoded: Decoded, resize_mode: ResizeMode) -> Image.Image:
    """Return a decoded image upright and 224 x 224 pixels; see `standardise` for the resize modes."""
    if decoded.image.mode != "L":
        raise ValueError(
            f"Received an image of mode {decoded.image.mode!r}; 'L' is allowed: use radiograph.read_image."
        )
    if resize_mode not in RESIZE_MODES:
        raise ValueError(f"Unknown resize_mode {resize_mode!r}; allowed: {', '.join(RESIZE_MODES)}.")
    left, upper, right, lower = decoded.box
    width, height = right - left, lower - upper
    size = (SIDE, SIDE)
    if resize_mode == "pad":
        scale = SIDE / max(width, height)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Turned after scaling: that moves 224 x 224 pixels and not the whole image, and the box stays in stored pixels.
    small = decoded.image.resize(size, _FILTER, box=decoded.box, reducing_gap=float(MARGIN))
    small = upright(small, decoded.orientation)
    if small.size == (SIDE, SIDE):
        return small
    padded = Image.new("L", (SIDE, SIDE), 0)
    padded.paste(small, ((SIDE - small.width) // 2, (SIDE - small.height) // 2))
    return padded
