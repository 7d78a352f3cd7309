"""Convert any decoded image to 8-bit grey."""

from __future__ import annotations

from typing import cast

from PIL import Image, ImageChops

from radiograph.errors import ImageError


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


def _from_16_bit(image: Image.Image) -> Image.Image:
    """Scale to 8 bits by the number of bits in use: 10, 12 and 14-bit detectors are stored right-aligned in 16 bits.

    Dividing a 12-bit image by 256 would leave 16 nearly black grey levels. Stretching to the extremes would change the
    exposure. A 16-bit image that uses its whole range is divided by 256, as PNG decoders do.
    """
    wide = image.convert("I")
    _, brightest = cast("tuple[int, int]", wide.getextrema())
    shift = max(brightest.bit_length(), 8) - 8
    return wide.point([min(value >> shift, 255) for value in range(0x10000)], "L")
