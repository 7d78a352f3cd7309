"""Random search over a tuning job's ranges (Bergstra and Bengio, 2012)."""

import math
import random
from typing import Any

WIDE = 100.0
"""Smallest ratio of a positive range's ends at which "Auto" means logarithmic scaling."""


def sample(ranges: dict[str, Any], rng: random.Random) -> dict[str, str]:
    """Sample a value from each of the ParameterRanges; return hyperparameters as strings by name."""
    sampled = {}
    for parameter in ranges.get("IntegerParameterRanges", []):
        low, high = int(parameter["MinValue"]), int(parameter["MaxValue"])
        value = within(low, high + 1, parameter.get("ScalingType", "Auto"), rng.random())
        sampled[parameter["Name"]] = str(min(int(value), high))
    for parameter in ranges.get("ContinuousParameterRanges", []):
        lower, upper = float(parameter["MinValue"]), float(parameter["MaxValue"])
        value = within(lower, upper, parameter.get("ScalingType", "Auto"), rng.random())
        sampled[parameter["Name"]] = repr(value)
    for parameter in ranges.get("CategoricalParameterRanges", []):
        sampled[parameter["Name"]] = rng.choice(parameter["Values"])
    return sampled


def within(low: float, high: float, scaling: str, fraction: float) -> float:
    """Return the point at `fraction` (0 to 1) of a range, on its scale."""
    if scaling == "Auto":
        scaling = "Logarithmic" if low > 0 and high / low >= WIDE else "Linear"
    if scaling == "Logarithmic":
        return math.exp(math.log(low) + fraction * (math.log(high) - math.log(low)))
    if scaling == "ReverseLogarithmic":
        return 1 - math.exp(math.log(1 - low) + fraction * (math.log(1 - high) - math.log(1 - low)))
    return low + fraction * (high - low)
