"""Occlusion sensitivity (Zeiler and Fergus, 2014): how the prediction changes when a region of the image is covered.

It needs only the model's output and works with any endpoint that scores an image, such as the built-in algorithm's.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageStat

from inference_proxy.endpoint import CONCURRENT
from inference_proxy.problems import ProblemError
from radiograph import SIDE, encode

CELLS: Final = 7
"""Rows and columns of the grid: 32 x 32 pixels a cell, about a third of a lung's width."""

# Above noise: with EfficientNet-Lite0 and a small ResNet trained on 900 radiographs, noise of up to 4 grey levels in
# one cell changed 99 % of 312 cells (of 26 images) by at most 0.16, and covering a cell of pure noise by at most 0.195.
MINIMUM_CHANGE: Final = 0.2
"""Smallest change in log-odds that counts: 5 percentage points at a probability of 50 %, 0.2 at 99 %."""

LogOdds = Callable[[bytes], float]


@dataclass(frozen=True)
class HeatMap:
    """The fall of the log-odds of pneumonia when each cell is covered.

    `values` has CELLS rows of CELLS numbers: positive where the cell raises the probability, None where time ran out.
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


def heat_map(image: Image.Image, whole: float, log_odds: LogOdds) -> HeatMap:
    """Score a standardised image (mode "L", 224 x 224) with each cell covered in turn.

    The values are log-odds because a probability near 0 or 1 hardly changes. `whole` is that of the uncovered image,
    `log_odds` returns that of an encoded image, both calibrated. Cells whose call runs out of time are None; the
    first other failure is raised.
    Raise ProblemError explain_timeout if no cell was scored in time.
    """
    with ThreadPoolExecutor(CONCURRENT) as pool:
        pending = [pool.submit(_covered_log_odds, log_odds, image, cell) for cell in range(CELLS * CELLS)]
        try:
            scored = [cell.result() for cell in pending]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    falls = [None if value is None else whole - value for value in scored]
    calls = 1 + sum(value is not None for value in falls)
    if calls == 1:
        raise ProblemError(
            "explain_timeout",
            "The model is too slow for a heat map; try again once it is warm, or use POST /predict.",
            headers={"Retry-After": "5"},
        )
    return HeatMap([falls[start : start + CELLS] for start in range(0, CELLS * CELLS, CELLS)], calls)


def covered(image: Image.Image, cell: int) -> Image.Image:
    """Return the image with one cell in its mean grey, which adds as little contrast as possible."""
    side = SIDE // CELLS
    row, column = divmod(cell, CELLS)
    copy = image.copy()
    copy.paste(round(ImageStat.Stat(image).mean[0]), (column * side, row * side, (column + 1) * side, (row + 1) * side))
    return copy


def _covered_log_odds(log_odds: LogOdds, image: Image.Image, cell: int) -> float | None:
    try:
        return log_odds(encode(covered(image, cell)))
    except ProblemError as problem:
        if problem.code == "endpoint_timeout":
            return None
        raise
