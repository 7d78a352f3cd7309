"""Random search over a tuning job's ranges (Bergstra and Bengio, 2012)."""

import math
import random
from typing import Any

WIDE = 100.0
"""Ratio of the ends from which "Auto" scales a positive range logarithmically."""


def sample(ranges: dict[str, Any], rng: random.Random) -> dict[str, str]:
    """Draw a value from each of the ParameterRanges, as hyperparameters are sent: text by name."""
    drawn = {}
    for parameter in ranges.get("IntegerParameterRanges", []):
        low, high = int(parameter["MinValue"]), int(parameter["MaxValue"])
        value = within(low, high + 1, parameter.get("ScalingType", "Auto"), rng.random())
        drawn[parameter["Name"]] = str(min(int(value), high))
    for parameter in ranges.get("ContinuousParameterRanges", []):
        value = within(
            float(parameter["MinValue"]),
            float(parameter["MaxValue"]),
            parameter.get("ScalingType", "Auto"),
            rng.random(),
        )
        drawn[parameter["Name"]] = repr(value)
    for parameter in ranges.get("CategoricalParameterRanges", []):
        drawn[parameter["Name"]] = rng.choice(parameter["Values"])
    return drawn


def within(low: float, high: float, scaling: str, fraction: float) -> float:
    """Return the point at `fraction` (0 to 1) of a range, on its scale."""
    if scaling == "Auto":
        scaling = "Logarithmic" if low > 0 and high / low >= WIDE else "Linear"
    if scaling == "Logarithmic":
        return math.exp(math.log(low) + fraction * (math.log(high) - math.log(low)))
    if scaling == "ReverseLogarithmic":
        return 1 - math.exp(math.log(1 - low) + fraction * (math.log(1 - high) - math.log(1 - low)))
    return low + fraction * (high - low)
