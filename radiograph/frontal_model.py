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
    "cec7a4979dde247b7b24de9d97a4c7cef80c0de8d1f322484822f3d1e80d0cf8"
    "ea0b1ffbd2d90e18180ed9d2fb1f0beaf60b1b24f3caf9f0f0f9caf3241b0bf6"
    "13092c38e5def7f4f4f7dee5382c09130c1a2621d2ceed0909edced221261a0c"
    "180a160fe1d9f31616f3d9e10f160a180eeffcf4d8d3f22525f2d3d8f4fcef0e"
    "07ecd7e2e7e0dd0c0cdde0e7e2d7ec07f8f5dad3fafd06252506fdfad3daf5f8"
    "edf7d7de11222a37372a2211ded7f7edd8e9e7daf5291e2a2a1e29f5dae7e9d8"
    "d6dee3d5f4242d38382d24f4d5e3ded6c8f9fef50f181f51511f180ff5fef9c8"
    "d20c353b3a2b265d5d262b3a3b350cd281cb04364632396e6e3932463604cb81"
)
MODEL: Final = FrontalModel(tuple(memoryview(_WEIGHTS).cast("b")), scale=1.811e-05, bias=-7.902)
"""Printed by `python -m benchmarks.frontal_check_fit --print`. The weights are signed bytes, and each row is a mirror
image of itself. They were fitted on 5,567 radiographs of children (Kermany et al., 2018) and 400 of NIH ChestX-ray14,
mostly adults, with equal weight; against the same radiographs inverted and turned, and grey parts of 80 pictures."""
