"""A heat map drawn over its film."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image

from inference_proxy.explain import CELLS, HeatMap
from radiograph import SIDE

# Two colours that every kind of colour vision tells apart (Okabe and Ito, 2008): vermilion for, blue against.
_FOR: Final = (213, 94, 0)
_AGAINST: Final = (0, 114, 178)
_STRONGEST: Final = 170


def png(film: Image.Image, found: HeatMap) -> bytes:
    """PNG bytes, 224 x 224 RGB: what speaks for pneumonia in vermilion, against it in blue, as strong as it counts."""
    values = [0.0 if value is None else value for row in found.values for value in row]
    largest = max(map(abs, values)) or 1.0
    cells = Image.new("RGBA", (CELLS, CELLS))
    cells.putdata([(*(_FOR if value > 0 else _AGAINST), round(_STRONGEST * abs(value) / largest)) for value in values])
    layer = cells.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    buffer = BytesIO()
    Image.alpha_composite(film.convert("RGBA"), layer).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()
