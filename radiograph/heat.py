"""A grid of numbers over a film, drawn as a coloured layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PIL import Image

from radiograph.standard import Policy

# Two colours that every kind of colour vision tells apart (Okabe and Ito, 2008): vermilion for, blue against.
FOR: Final = (213, 94, 0)
AGAINST: Final = (0, 114, 178)
FULL_AT: Final = 0.1
"""Smallest number that is drawn in full strength: a map of what hardly matters must not look like one that does."""
# Linear between the cells' centres: a cubic would swing beyond the numbers that were measured.
_SMOOTH: Final = Image.Resampling.BILINEAR


def heat_layer(
    values: Sequence[Sequence[float | None]], size: tuple[int, int], strength: float, policy: Policy = "squash"
) -> Image.Image:
    """A layer of mode "RGBA" and of a film's `size` (width, height in pixels) that shows a grid of numbers, -1 to 1.

    Positive numbers are vermilion, negative ones blue, None nothing; the largest has the opacity `strength`, 0 to 1,
    or less where it is below FULL_AT. With "squash" the grid covers the film; with "pad" the square around it, of which
    the film's part is taken.
    """
    numbers = [0.0 if value is None else value for row in values for value in row]
    full = max([FULL_AT, *map(abs, numbers)])
    cells = Image.new("RGBA", (len(values[0]), len(values)))
    cells.putdata([(*(FOR if value > 0 else AGAINST), round(255 * strength * abs(value) / full)) for value in numbers])
    if policy == "squash":
        return cells.resize(size, _SMOOTH)
    width, height = (side / max(size) for side in size)
    left, upper = cells.width * (1 - width) / 2, cells.height * (1 - height) / 2
    box = (left, upper, cells.width - left, cells.height - upper)
    return cells.resize(size, _SMOOTH, box=box)


def overlay(film: Image.Image, layer: Image.Image) -> Image.Image:
    """The film (any mode) with the layer of the same size over it, mode "RGB"."""
    return Image.alpha_composite(film.convert("RGBA"), layer).convert("RGB")
