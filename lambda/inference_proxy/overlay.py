"""A heat map drawn over its image."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from inference_proxy.explain import FLOOR, HeatMap
from radiograph.heat import full_colour, heat_layer, overlay

_STRENGTH: Final = 2 / 3


def png(image: Image.Image, found: HeatMap) -> bytes:
    """Return PNG bytes, RGB, of the image's size: vermilion speaks for pneumonia, blue against it.

    The scale differs between images, so the PNG's own text (keyword Description) gives it.
    """
    scale = PngInfo()
    scale.add_text(
        "Description",
        "Change in log-odds of pneumonia when a region is covered: vermilion falls, blue rises. "
        f"Full colour: {full_colour(found.values):.2f}. Regions below {FLOOR:g} are not coloured.",
    )
    buffer = BytesIO()
    overlay(image, heat_layer(found.values, FLOOR, image.size, _STRENGTH)).save(buffer, "PNG", pnginfo=scale)
    return buffer.getvalue()
