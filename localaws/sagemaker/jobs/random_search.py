"""Random search over a tuning job's ranges (Bergstra and Bengio, 2012)."""

import math
import random
from typing import Any

from localaws.sagemaker.checks.request import invalid

WIDE = 100.0
"""Ratio of the ends from which "Auto" scales a positive range logarithmically."""


def sample(ranges: dict[str, Any], rng: random.Random) -> dict[str, str]:
    """Draw a value from each of the ParameterRanges, as hyperparameters are sent: text by name."""
    drawn = {}
    for one in ranges.get("IntegerParameterRanges", []):
        low, high = int(one["MinValue"]), int(one["MaxValue"])
        value = within(low, high + 1, one.get("ScalingType", "Auto"), rng.random())
        drawn[one["Name"]] = str(min(int(value), high))
    for one in ranges.get("ContinuousParameterRanges", []):
        value = within(float(one["MinValue"]), float(one["MaxValue"]), one.get("ScalingType", "Auto"), rng.random())
        drawn[one["Name"]] = repr(value)
    for one in ranges.get("CategoricalParameterRanges", []):
        drawn[one["Name"]] = rng.choice(one["Values"])
    return drawn


def within(low: float, high: float, scaling: str, share: float) -> float:
    """Return the point at `share` (0 to 1) of a range, on its scale."""
    if scaling == "Auto":
        scaling = "Logarithmic" if low > 0 and high / low >= WIDE else "Linear"
    if scaling == "Logarithmic":
        return math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    if scaling == "ReverseLogarithmic":
        return 1 - math.exp(math.log(1 - low) + share * (math.log(1 - high) - math.log(1 - low)))
    return low + share * (high - low)


def check_ranges(ranges: dict[str, Any]) -> None:
    """Return when every range can be drawn from.

    Raises:
        ServiceError: ValidationException.
    """
    names: list[str] = []
    for kind, parse in (("Integer", int), ("Continuous", float)):
        for one in ranges.get(f"{kind}ParameterRanges", []):
            names.append(one["Name"])
            try:
                low, high = parse(one["MinValue"]), parse(one["MaxValue"])
            except ValueError:
                raise invalid(f"The ends of range {one['Name']} must be numbers of its type.") from None
            scaling = one.get("ScalingType", "Auto")
            positive = low > 0 if scaling == "Logarithmic" else True
            below_one = low >= 0 and high < 1 if scaling == "ReverseLogarithmic" else True
            if not (math.isfinite(low) and math.isfinite(high) and low < high and positive and below_one):
                raise invalid(f"Range {one['Name']} from {low} to {high} cannot be searched with scaling {scaling}.")
    names += [one["Name"] for one in ranges.get("CategoricalParameterRanges", [])]
    if not names or len(set(names)) < len(names):
        raise invalid("ParameterRanges must hold at least one range, and each hyperparameter once.")
