"""Draw a grid of changes in log-odds as a coloured layer over an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageChops

from radiograph.standard_image import ResizeMode

# Two colours that every kind of colour vision distinguishes (Okabe and Ito, 2008).
FOR: Final = (213, 94, 0)
AGAINST: Final = (0, 114, 178)
FULL_AT: Final = 0.5
"""Smallest change in log-odds drawn in full strength: weak changes must not look like strong ones."""
UNMEASURED: Final = (255, 255, 255)
_HATCHES: Final = 40
"""Lines of the hatching on an image's longer side."""
Values = Sequence[Sequence[float | None]]
# Linear between the cells' centres: a cubic would overshoot the measured numbers.
_SMOOTH: Final = Image.Resampling.BILINEAR


def full_colour(values: Values) -> float:
    """Return the change in log-odds that is drawn in full strength: the largest of the grid, at least FULL_AT."""
    return max([FULL_AT, *(abs(value) for row in values for value in row if value is not None)])


def heat_layer(
    values: Values, minimum_change: float, size: tuple[int, int], strength: float, resize_mode: ResizeMode = "squash"
) -> Image.Image:
    """Return a layer of mode "RGBA" and of an image's `size` (width, height in pixels) that shows a grid of log-odds.

    Positive numbers are vermilion, negative ones blue; numbers nearer to 0 than `minimum_change` stay clear. None, a
    cell that was not measured, is hatched.
    The opacity grows with the number up to `strength`, 0 to 1, at `full_colour`. With "squash", the grid covers the
    image. With "pad", it covers the square around the image and is cropped to the image.
    """
    numbers = [0.0 if value is None or abs(value) < minimum_change else value for row in values for value in row]
    full = full_colour(values)
    cells = Image.new("RGBA", (len(values[0]), len(values)))
    cells.putdata([(*(FOR if value > 0 else AGAINST), round(255 * strength * abs(value) / full)) for value in numbers])
    box = (0.0, 0.0, float(cells.width), float(cells.height))
    if resize_mode == "pad":
        width, height = (side / max(size) for side in size)
        left, upper = cells.width * (1 - width) / 2, cells.height * (1 - height) / 2
        box = (left, upper, cells.width - left, cells.height - upper)
    layer = cells.resize(size, _SMOOTH, box=box)
    unmeasured = Image.new("1", cells.size)
    unmeasured.putdata([value is None for row in values for value in row])
    lines = Image.new("RGBA", size, (*UNMEASURED, round(255 * strength)))
    layer.paste(lines, mask=ImageChops.logical_and(unmeasured.resize(size, box=box), _hatching(size)))
    return layer


def _hatching(size: tuple[int, int]) -> Image.Image:
    """Return diagonal lines, mode "1"."""
    period = max(4, max(size) // _HATCHES)
    line = (b"\xff" + bytes(period - 1)) * (size[0] // period + 2)
    rows = (line[row % period : row % period + size[0]] for row in range(size[1]))
    return Image.frombytes("L", size, b"".join(rows)).convert("1", dither=Image.Dither.NONE)


def overlay(image: Image.Image, layer: Image.Image) -> Image.Image:
    """Return the image (any mode) with the layer of the same size over it, mode "RGB"."""
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")
