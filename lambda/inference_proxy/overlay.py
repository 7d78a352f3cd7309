"""A heat map drawn over its image."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from inference_proxy.explain import MINIMUM_CHANGE, OcclusionMap
from radiograph.heat import full_colour, heat_layer, overlay

_STRENGTH: Final = 2 / 3


def png(image: Image.Image, heat: OcclusionMap) -> bytes:
    """Return PNG bytes, RGB, of the image's size: vermilion raises the probability of pneumonia, blue lowers it.

    The scale differs between images. The PNG's own text (keyword Description) states it.
    """
    scale = PngInfo()
    scale.add_text(
        "Description",
        "Change in log-odds of pneumonia when a region is covered: vermilion falls, blue rises. "
        f"Full colour: {full_colour(heat.values):.2f}. Regions below {MINIMUM_CHANGE:g} are not coloured. "
        "Hatched regions were not measured.",
    )
    buffer = BytesIO()
    layer = heat_layer(heat.values, MINIMUM_CHANGE, image.size, _STRENGTH)
    overlay(image, layer).save(buffer, "PNG", pnginfo=scale)
    return buffer.getvalue()
