"""The coefficients with which the check for frontal radiographs scores the distribution of light."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

MODEL_SIDE: Final = 16


class FrontalModel(NamedTuple):
    """A logistic regression on the ranks of 16 x 16 grey values, row by row."""

    weights: Sequence[int]
    scale: float
    bias: float


WEIGHTS: Final = bytes(256)

MODEL: Final = FrontalModel(memoryview(WEIGHTS).cast("b"), 1.0, 0.0)
