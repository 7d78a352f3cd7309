"""Occlusion sensitivity (Zeiler and Fergus, 2014): how the prediction changes when a region of the image is covered.

It needs only the model's output and works with any model that scores an image, such as the built-in algorithm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageStat

from inference_proxy.problems import ProblemError
from radiograph import SIDE, encode

GRIDS: Final = (7, 4, 3)
"""Cells on each side of a grid, finest first. A cell of 7 x 7 is 32 pixels wide, about a third of a lung's width.

`ml.drift` recognises covered images by a flat cell of 7 x 7: every cell of a coarser grid must contain one.
"""
_STEP: Final = 11
"""Cells from one scored cell to the next, row by row. It has no factor in common with a grid's number of cells."""
_USED_TIME: Final = 0.9
"""Fraction of the remaining time that a grid may take. The rest is a reserve for calls slower than the first."""

# Above noise: with EfficientNet-Lite0 and a small ResNet trained on 900 radiographs, noise of up to 4 grey levels in
# one cell of 7 x 7 changed 99 % of 312 cells (of 26 images) by at most 0.16, and covering a cell of pure noise by at
# most 0.195.
MINIMUM_CHANGE: Final = 0.2
"""Smallest change in log-odds that counts: 5 percentage points at a probability of 50 %, 0.2 at 99 %."""

LogOdds = Callable[[Iterable[bytes]], list[float | None]]
"""Returns the log-odds of encoded images, None for each image that time ran out for."""


@dataclass(frozen=True)
class OcclusionMap:
    """The fall of the log-odds of pneumonia when each cell is covered.

    `values` has as many rows as columns: positive where the cell raises the probability, None where time ran out.
    `calls` counts the scored images, the uncovered one included.
    """

    values: list[list[float | None]]
    calls: int

    @property
    def complete(self) -> bool:
        """Return whether every cell has a value."""
        return all(value is not None for row in self.values for value in row)

    @property
    def largest(self) -> float:
        """Return the largest change of either sign, in log-odds."""
        return max(abs(value) for row in self.values for value in row if value is not None)


def cells_per_side(seconds: float, seconds_left: float) -> int:
    """Return the finest of GRIDS that a model can score in time at `seconds` per image, else the coarsest.

    It assumes one image at a time: the built-in algorithm's container has one worker on two vCPUs.
    """
    return next((side for side in GRIDS if side**2 * seconds <= _USED_TIME * seconds_left), GRIDS[-1])


def occlusion_map(image: Image.Image, uncovered: float, log_odds: LogOdds, side: int = GRIDS[0]) -> OcclusionMap:
    """Score a standardised image (mode "L", 224 x 224) with each of `side` x `side` cells covered in turn.

    The values are log-odds because a probability near 0 or 1 hardly changes. `uncovered` has the calibrated log-odds of
    the image itself, and `log_odds` returns those of encoded images. Cells that run out of time are None; the order of
    scoring spreads them over the image. Raise ProblemError explain_timeout if no cell was scored in time.
    """
    order = [_STEP * call % side**2 for call in range(side**2)]
    values = log_odds(encode(covered(image, cell, side)) for cell in order)
    scored = dict(zip(order, values, strict=True))
    falls = [None if (value := scored[cell]) is None else uncovered - value for cell in range(side**2)]
    calls = 1 + sum(value is not None for value in falls)
    if calls == 1:
        raise ProblemError(
            "explain_timeout",
            "The model is too slow for a heat map; try again once it is warm, or use POST /predict.",
            headers={"Retry-After": "5"},
        )
    return OcclusionMap([falls[start : start + side] for start in range(0, side**2, side)], calls)


def covered(image: Image.Image, cell: int, side: int) -> Image.Image:
    """Return the image with one cell in its mean grey, which adds as little contrast as possible."""
    row, column = divmod(cell, side)
    left, upper, right, lower = (round(SIDE * edge / side) for edge in (column, row, column + 1, row + 1))
    copy = image.copy()
    copy.paste(round(ImageStat.Stat(image).mean[0]), (left, upper, right, lower))
    return copy
