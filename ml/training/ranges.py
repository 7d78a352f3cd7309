"""Ranges a tuning job may search: those that the developer guide documents as tunable for Image Classification."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

TUNABLE: dict[str, tuple[float, float] | tuple[str, ...]] = {
    "learning_rate": (1e-6, 0.5),
    "mini_batch_size": (8, 512),
    "momentum": (0.0, 0.999),
    "weight_decay": (0.0, 0.999),
    "beta_1": (1e-6, 0.999),
    "beta_2": (1e-6, 0.999),
    "eps": (1e-8, 1.0),
    "gamma": (1e-8, 0.999),
    "optimizer": ("sgd", "adam", "rmsprop", "nag"),
}
"""Widest recommended range of each ("Tune an Image Classification Model")."""
WHOLE = ("mini_batch_size",)


@dataclass(frozen=True)
class Range:
    """Values of one hyperparameter: from `low` to `high`, or one of `choices`."""

    name: str
    low: float = 0.0
    high: float = 0.0
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}={','.join(self.choices) if self.choices else f'{self.low:g}:{self.high:g}'}"


DEFAULT = (Range("learning_rate", 1e-5, 1e-2), Range("weight_decay", 1e-6, 1e-2))
"""What matters most when a pretrained network is tuned."""


def parse_range(text: str) -> Range:
    """Parse NAME=LOW:HIGH, or NAME=A,B for a choice.

    Raises:
        argparse.ArgumentTypeError: it is not within the documented range.
    """
    name, _, values = text.partition("=")
    name = name.replace("-", "_")
    allowed = TUNABLE.get(name)
    if allowed is None:
        raise argparse.ArgumentTypeError(f"{text!r}: {name!r} cannot be tuned; allowed: {', '.join(TUNABLE)}.")
    if isinstance(allowed[0], str):
        choices = tuple(values.split(","))
        if not set(choices) <= set(allowed) or len(set(choices)) < 2:
            shown = ",".join(map(str, allowed))
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed; give two or more of {name}={shown}.")
        return Range(name, choices=choices)
    try:
        low, high = (float(value) for value in values.split(":"))
    except ValueError:
        low = high = float("nan")
    widest = (float(allowed[0]), float(allowed[1]))
    if not widest[0] <= low < high <= widest[1]:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not allowed; give {name}=LOW:HIGH within {widest[0]:g}:{widest[1]:g}."
        )
    return Range(name, low, high)


def parameter_ranges(ranges: Sequence[Range]) -> dict[str, list[dict[str, Any]]]:
    """Return SageMaker's ParameterRanges."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in ranges:
        if one.choices:
            found.setdefault("CategoricalParameterRanges", []).append({"Name": one.name, "Values": list(one.choices)})
            continue
        whole = one.name in WHOLE
        low, high = (str(int(value)) if whole else repr(value) for value in (one.low, one.high))
        scaling = "Logarithmic" if one.low > 0 else "Linear"
        kind = "IntegerParameterRanges" if whole else "ContinuousParameterRanges"
        found.setdefault(kind, []).append({"Name": one.name, "MinValue": low, "MaxValue": high, "ScalingType": scaling})
    return found
