"""How colourful a file is: radiographs are grey, whatever their file's colour space."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image, ImageChops, ImageStat
from PIL.JpegImagePlugin import JpegImageFile

_SIDE: Final = 32


def chroma(image: Image.Image) -> float:
    """Mean distance, 0 to 255, between the largest and the smallest of red, green and blue, on 32 x 32 pixels.

    0 for every image that has one channel only.
    """
    if image.mode in ("1", "L", "LA", "I;16", "I;16B", "I;16L", "I"):
        return 0.0
    small = image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=1.0)
    red, green, blue = small.split()
    largest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    smallest = ImageChops.darker(ImageChops.darker(red, green), blue)
    return float(ImageStat.Stat(ImageChops.subtract(largest, smallest)).mean[0])


def jpeg_chroma(stream: bytes) -> float:
    """`chroma` of a JPEG, decoded at an eighth of its size. `stream` has passed `radiograph.jpeg.jpeg_header`."""
    with JpegImageFile(BytesIO(stream)) as file:
        if file.mode == "L":
            return 0.0
        file.draft("RGB", (_SIDE, _SIDE))
        return chroma(file)
