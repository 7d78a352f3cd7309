"""The coefficients with which the check for frontal radiographs scores the distribution of light."""

from __future__ import annotations

from typing import Final, NamedTuple

MODEL_SIDE: Final = 16


class FrontalModel(NamedTuple):
    """A logistic regression on the ranks of 16 x 16 grey values, row by row."""

    weights: tuple[int, ...]
    scale: float
    bias: float


_WEIGHTS: Final = bytes.fromhex(
    "cdc7a399a0e1267f7f26e1a099a3c7cdfa100eecd5f51d43431df5d5ec0e10fa"
    "e90d1efbd3db0b11110bdbd3fb1e0de9f309191ef1cafef2f2fecaf11e1909f3"
    "11062e38e4dbf8f3f3f8dbe4382e06110c172823d2cdf20b0bf2cdd22328170c"
    "17061411e3dbf31414f3dbe3111406170feefbf7dad2f32222f3d2daf7fbee0f"
    "0aecd7e6eadedd0b0bdddeeae6d7ec0af7f2d8d7fdfe07262607fefdd7d8f2f7"
    "edf5dade0f2028343428200fdedaf5eddce9e6daf5281f28281f28f5dae6e9dc"
    "dce3e4d5f4212b36362b21f4d5e4e3dcc9f7f9f00a1115484815110af0f9f7c9"
    "d40e343c3c2f296060292f3c3c340ed481cd053947343d76763d34473905cd81"
)
MODEL: Final = FrontalModel(tuple(memoryview(_WEIGHTS).cast("b")), scale=1.84e-05, bias=-7.953)
"""Printed by `python -m benchmarks.frontal_check_fit --print`. The weights are signed bytes, and each row is a mirror
image of itself. They were fitted on 5,567 radiographs of children (Kermany et al., 2018) and 400 of NIH ChestX-ray14,
mostly adults, with equal weight; against the same radiographs inverted and turned, and grey parts of 80 pictures."""
