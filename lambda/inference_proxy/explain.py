"""Where a prediction comes from, asked of the model itself: which part of the image does it miss when it is covered?

Occlusion sensitivity (Zeiler and Fergus, 2014): it needs nothing but answers, so that it works with any endpoint that
takes an image, the built-in algorithm's too.
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
FLOOR: Final = 0.2
"""Smallest change in log-odds that counts: 5 percentage points at a probability of 50 %, 0.2 at 99 %."""

LogOdds = Callable[[bytes], float]


@dataclass(frozen=True)
class HeatMap:
    """How much the log-odds of pneumonia fall when a cell is covered.

    `values` has CELLS rows of CELLS numbers in log-odds, positive where the place speaks for pneumonia, and None where
    the time was over. `calls` counts what was asked of the endpoint, the uncovered image included.
    """

    values: list[list[float | None]]
    calls: int

    @property
    def complete(self) -> bool:
        """Whether every cell was asked."""
        return all(value is not None for row in self.values for value in row)

    @property
    def largest(self) -> float:
        """Return the largest change of either sign, in log-odds."""
        return max(abs(value) for row in self.values for value in row if value is not None)


def heat_map(image: Image.Image, whole: float, log_odds: LogOdds) -> HeatMap:
    """Cover one cell after the other of a standardised image (mode "L", 224 x 224) and ask again.

    Log-odds, because a probability near 0 or 1 hardly moves whatever is covered. `whole` is the uncovered image's,
    `log_odds` returns those of an encoded image, both calibrated. Cells whose call runs out of time stay None; the
    first other failure is raised.
    Raises ProblemError: explain_timeout when no cell was answered.
    """
    with ThreadPoolExecutor(CONCURRENT) as pool:
        pending = [pool.submit(_asked, log_odds, image, cell) for cell in range(CELLS * CELLS)]
        try:
            found = [one.result() for one in pending]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if all(one is None for one in found):
        raise ProblemError(
            "explain_timeout",
            "The model answered too slowly for a heat map; try again once it is warm, or ask POST /predict alone.",
            headers={"Retry-After": "5"},
        )
    falls = [None if one is None else whole - one for one in found]
    rows = [falls[row * CELLS : (row + 1) * CELLS] for row in range(CELLS)]
    return HeatMap(rows, 1 + sum(one is not None for one in found))


def covered(image: Image.Image, cell: int) -> Image.Image:
    """The image with one cell in the image's own mean grey, so that covering adds as little as it can."""
    side = SIDE // CELLS
    row, column = divmod(cell, CELLS)
    copy = image.copy()
    copy.paste(round(ImageStat.Stat(image).mean[0]), (column * side, row * side, (column + 1) * side, (row + 1) * side))
    return copy


def _asked(log_odds: LogOdds, image: Image.Image, cell: int) -> float | None:
    try:
        return log_odds(encode(covered(image, cell)))
    except ProblemError as problem:
        if problem.code == "endpoint_timeout":
            return None
        raise
