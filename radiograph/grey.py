"""Convert any decoded image to 8-bit grey."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import Final, cast

from PIL import Image, ImageChops

from radiograph.errors import ImageError

_ROUNDING: Final = 2


def to_grey(image: Image.Image) -> Image.Image:
    """Return the image as mode "L", 0 black to 255 white, of the same size and without metadata.

    Transparent pixels are blended with black, as viewers do. Colour becomes luma (ITU-R BT.601). The modes that JPEG
    and PNG decode to are allowed; others raise ImageError (unsupported_encoding).
    """
    if image.mode in ("I;16", "I;16B", "I;16L"):
        return _from_16_bit(image)
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        layered = image if image.mode in ("LA", "RGBA") else image.convert("RGBA")
        # On black, compositing is a product; Image.alpha_composite would need three more copies of four channels.
        return ImageChops.multiply(layered.convert("L"), layered.getchannel("A"))
    if image.mode in ("P", "CMYK"):
        return image.convert("RGB").convert("L")
    if image.mode in ("1", "L", "RGB", "YCbCr"):
        return image.convert("L")
    raise ImageError(
        "unsupported_encoding",
        f"Received pixels of mode {image.mode}; grey of 8 or 16 bits and colour of 8 bits are allowed: convert it.",
    )


def check_content(image: Image.Image) -> None:
    """Raise ImageError (not_a_radiograph) if a grey image has one grey value, but for a rounding error of JPEG."""
    low, high = cast("tuple[int, int]", image.getextrema())
    if high - low <= _ROUNDING:
        raise ImageError(
            "not_a_radiograph",
            f"Received an image of a single grey value ({low} of 255); send one frontal chest radiograph.",
        )


def _from_16_bit(image: Image.Image) -> Image.Image:
    wide = image.convert("I")
    high = wide.point([value >> 8 for value in range(0x10000)], "L")
    offset, shift = _scale(high.histogram())
    return wide.point([min(max(value - offset, 0) >> shift, 255) for value in range(0x10000)], "L")


def from_bytes(high: Image.Image, low: Image.Image) -> Image.Image:
    """Return 16-bit colour, given as images of its high and of its low bytes, as 8 bits of the same mode.

    Alpha keeps its high byte.
    """
    bands = list(high.split())
    alpha = [bands.pop()] if high.mode in ("LA", "RGBA") else []
    histogram = [sum(counts) for counts in zip(*(band.histogram() for band in bands), strict=True)]
    offset, shift = _scale(histogram)
    large = [min(max((value << 8) - offset, 0) >> shift, 255) for value in range(256)]
    small = [value >> shift for value in range(256)]
    pairs = zip(bands, low.split(), strict=False)
    narrow = [ImageChops.add(band.point(large), rest.point(small)) for band, rest in pairs]
    return Image.merge(high.mode, narrow + alpha)


def _scale(histogram: list[int]) -> tuple[int, int]:
    """Return the offset to subtract from 16-bit values and the bits to shift out, from a histogram of high bytes.

    10, 12 and 14-bit detectors are stored right-aligned in 16 bits: dividing a 12-bit image by 256 would leave 16
    nearly black grey levels, and stretching to the extremes would change the exposure. Signed values may have an
    offset of 32768. A marker far above the image does not count, if it covers at most 1 % of the pixels.
    """
    total = sum(histogram)
    cumulative = list(accumulate(histogram))
    low, high = (bisect_left(cumulative, fraction * total) for fraction in (0.01, 0.99))
    used = [value for value, count in enumerate(histogram) if count]
    offset = 0x80 if used[0] >= 0x80 and max(used) < 0xC0 else 0
    limit = high + max((high - low) // 4, 1)
    top = max(value for value in used if value <= limit)
    # A bright rest within two bits of the image is part of it.
    if (max(used) - offset).bit_length() - (top - offset).bit_length() < 2:
        top = max(used)
    return offset << 8, (top - offset).bit_length()
