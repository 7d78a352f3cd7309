"""The plane of a phantom: body coordinates, random fields and soft edges."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.floating]

# Body coordinates: x = 0 on the spine, growing to the patient's left (the right of the image); y = 0 at the apices of
# the lungs, growing towards the feet. The inside of the rib cage is about two units wide.
LEFT: Final = -1.4
TOP: Final = -0.5
PIXELS_PER_UNIT: Final = 120
WIDTH: Final = 336
HEIGHT: Final = 288

X: Final[Field] = (LEFT + (np.arange(WIDTH, dtype=np.float32) + 0.5) / PIXELS_PER_UNIT)[None, :]
Y: Final[Field] = (TOP + (np.arange(HEIGHT, dtype=np.float32) + 0.5) / PIXELS_PER_UNIT)[:, None]


def step(distance: Field, softness: float) -> Field:
    """Return 0 to 1 as `distance` (body units) grows through 0: 12 % at -`softness`, 88 % at +`softness`."""
    return np.asarray(1 / (1 + np.exp(np.clip(distance * np.float32(-2 / softness), -30, 30))), np.float32)


def ellipse(x: float, y: float, half_width: float, half_height: float, degrees: float = 0.0) -> Field:
    """Return 1 at the centre of an ellipse, 0 on its rim and negative values outside, shape (HEIGHT, WIDTH)."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    across = ((X - x) * np.float32(cos) + (Y - y) * np.float32(sin)) / np.float32(half_width)
    along = ((Y - y) * np.float32(cos) - (X - x) * np.float32(sin)) / np.float32(half_height)
    return np.asarray(1 - np.sqrt(across * across + along * along), np.float32)


def noise(rng: np.random.Generator, cell: float) -> Field:
    """Return a smooth random field of mean 0 and standard deviation about 1, with a grain of `cell` body units."""
    shape = (int(HEIGHT / PIXELS_PER_UNIT / cell) + 4, int(WIDTH / PIXELS_PER_UNIT / cell) + 4)
    coarse = Image.fromarray(rng.standard_normal(shape, dtype=np.float32))
    return np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.float32) * np.float32(1.3)


def to_pixels(x: float, y: float) -> tuple[float, float]:
    """Convert body coordinates to canvas pixels (column, row)."""
    return (x - LEFT) * PIXELS_PER_UNIT, (y - TOP) * PIXELS_PER_UNIT
