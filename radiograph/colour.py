"""Measure how colourful a file is. Radiographs are grey, whatever their file's colour space."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image, ImageChops, ImageStat
from PIL.JpegImagePlugin import JpegImageFile

_SIDE: Final = 32


def chroma(image: Image.Image) -> float:
    """Return the mean difference, 0 to 255, of the largest and smallest of red, green and blue on 32 x 32 pixels.

    Return 0 for an image of one channel.
    """
    if image.mode in ("1", "L", "LA", "I;16", "I;16B", "I;16L", "I"):
        return 0.0
    small = image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=1.0)
    red, green, blue = small.split()
    largest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    smallest = ImageChops.darker(ImageChops.darker(red, green), blue)
    return float(ImageStat.Stat(ImageChops.subtract(largest, smallest)).mean[0])


def jpeg_chroma(stream: bytes) -> float:
    """Return the `chroma` of a JPEG, decoded at reduced size. `stream` is that of `radiograph.jpeg.jpeg_header`."""
    with JpegImageFile(BytesIO(stream)) as file:
        if file.mode == "L":
            return 0.0
        file.draft("RGB", (_SIDE, _SIDE))
        return chroma(file)
