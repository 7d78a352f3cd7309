"""A heat map drawn over its film."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image

from inference_proxy.explain import HeatMap
from radiograph.heat import heat_layer, overlay

_STRENGTH: Final = 2 / 3


def png(film: Image.Image, found: HeatMap) -> bytes:
    """PNG bytes, RGB, of the film's size: what speaks for pneumonia in vermilion, against it in blue."""
    buffer = BytesIO()
    overlay(film, heat_layer(found.values, film.size, _STRENGTH)).save(buffer, "PNG")
    return buffer.getvalue()
