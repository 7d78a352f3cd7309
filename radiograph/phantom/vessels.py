"""Draw the branching structures of the lung as lines from the hila outwards."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from radiograph.phantom.canvas import HEIGHT, PIXELS_PER_UNIT, WIDTH, Field, to_pixels

_HILA = ((-0.26, 0.64), (0.28, 0.60))


def vessel_tree(rng: np.random.Generator) -> Field:
    """Draw pulmonary vessels, 0 to 1, which taper from the hila to the periphery."""
    return _trees(rng, trunks=int(rng.integers(8, 13)), breadth=0.033, blur=0.005)


def airway_tree(rng: np.random.Generator) -> Field:
    """Draw bronchi, 0 to 1: fewer than vessels, and visible only where the lung around them is filled."""
    return _trees(rng, trunks=7, breadth=0.026, blur=0.004)


def _trees(rng: np.random.Generator, trunks: int, breadth: float, blur: float) -> Field:
    canvas = Image.new("L", (WIDTH, HEIGHT), 0)
    pen = ImageDraw.Draw(canvas)
    for side, (x, y) in zip((-1, 1), _HILA, strict=True):
        for trunk in range(trunks):
            fan = -1.35 + 2.75 * (trunk + rng.uniform(0, 1)) / trunks
            _branch(pen, rng, x, y, math.pi / 2 * (1 - side) + side * fan, breadth * rng.uniform(0.6, 1.0))
    return np.asarray(canvas.filter(ImageFilter.GaussianBlur(blur * PIXELS_PER_UNIT)), np.float32) / 255


def _branch(
    pen: ImageDraw.ImageDraw, rng: np.random.Generator, x: float, y: float, angle: float, breadth: float
) -> None:
    while breadth > 0.007:
        length = rng.uniform(0.05, 0.10)
        to_x, to_y = x + length * math.cos(angle), y + length * math.sin(angle)
        shade = int(min(255, 70 + 6300 * breadth))
        pen.line([to_pixels(x, y), to_pixels(to_x, to_y)], fill=shade, width=max(1, round(breadth * PIXELS_PER_UNIT)))
        x, y = to_x, to_y
        breadth *= rng.uniform(0.78, 0.92)
        angle += rng.normal(0, 0.16)
        if breadth > 0.010 and rng.uniform() < 0.45:
            turn = rng.choice((-1, 1)) * rng.uniform(0.4, 0.8)
            _branch(pen, rng, x, y, angle + turn, breadth * rng.uniform(0.5, 0.75))
            angle -= 0.3 * turn
