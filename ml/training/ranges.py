"""Ranges that a tuning job may search: the ones that the developer guide documents for Image Classification."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ml.errors import UserError
from ml.training.hyperparameters import OPTIMIZERS, check_used

TUNABLE: dict[str, tuple[float, float] | tuple[str, ...]] = {
    "learning_rate": (1e-6, 0.5),
    "mini_batch_size": (8, 512),
    "momentum": (0.0, 0.999),
    "weight_decay": (0.0, 0.999),
    "beta_1": (1e-6, 0.999),
    "beta_2": (1e-6, 0.999),
    "eps": (1e-8, 1.0),
    "gamma": (1e-8, 0.999),
    "optimizer": OPTIMIZERS,
}
"""The widest recommended range of each ("Tune an Image Classification Model")."""
INTEGERS = ("mini_batch_size",)


@dataclass(frozen=True)
class Range:
    """Values of one hyperparameter: from `low` to `high`, or one of `choices`."""

    name: str
    low: float = 0.0
    high: float = 0.0
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}={','.join(self.choices) if self.choices else f'{self.low:g}:{self.high:g}'}"


LEARNING_RATE = Range("learning_rate", 1e-5, 1e-2)
SGD = (LEARNING_RATE, Range("momentum", 0.5, 0.99), Range("weight_decay", 1e-6, 1e-2))
DEFAULT = {
    "sgd": SGD,
    "adam": (LEARNING_RATE,),
    "rmsprop": (LEARNING_RATE, Range("gamma", 0.8, 0.99)),
    "nag": SGD,
}
"""Ranges that are searched by default, by optimizer; not the batch size, which prepare fits the data to."""


def check_ranges(ranges: Sequence[Range], optimizer: str) -> None:
    """Check that all optimizers of a search use the hyperparameters that it searches.

    Args:
        optimizer: the one of all training jobs, if the ranges have no choice of it.

    Raises:
        UserError: a name is given twice, or an optimizer ignores a range.
    """
    names = [searched.name for searched in ranges]
    searched_optimizers = next((searched.choices for searched in ranges if searched.name == "optimizer"), (optimizer,))
    for searched in ranges:
        if names.count(searched.name) > 1:
            raise UserError(f"--range {searched}: {searched.name} is given twice; give one range for each name.", 2)
        for used in searched_optimizers:
            check_used(searched.name, used, f"--range {searched}")


def parse_range(text: str) -> Range:
    """Parse NAME=LOW:HIGH, or NAME=A,B for a choice.

    Raises:
        UserError: it is not within the documented range.
    """
    name, _, values = text.partition("=")
    name = name.replace("-", "_")
    allowed = TUNABLE.get(name)
    if allowed is None:
        raise UserError(f"--range {text}: {name!r} cannot be tuned; allowed: {', '.join(TUNABLE)}.", 2)
    if isinstance(allowed[0], str):
        choices = tuple(values.split(","))
        if not set(choices) <= set(allowed) or len(set(choices)) < 2:
            raise UserError(f"--range {text}: must be two or more of {name}={','.join(map(str, allowed))}.", 2)
        return Range(name, choices=choices)
    try:
        low, high = (float(value) for value in values.split(":"))
    except ValueError:
        low = high = float("nan")
    lowest, highest = float(allowed[0]), float(allowed[1])
    if not lowest <= low < high <= highest:
        raise UserError(f"--range {text}: must be {name}=LOW:HIGH within {lowest:g}:{highest:g}.", 2)
    return Range(name, low, high)


def parameter_ranges(ranges: Sequence[Range]) -> dict[str, list[dict[str, Any]]]:
    """Return SageMaker's ParameterRanges."""
    members: dict[str, list[dict[str, Any]]] = {}
    for searched in ranges:
        entry: dict[str, Any] = {"Name": searched.name}
        if searched.choices:
            members.setdefault("CategoricalParameterRanges", []).append({**entry, "Values": list(searched.choices)})
            continue
        integer = searched.name in INTEGERS
        low, high = (str(int(value)) if integer else repr(value) for value in (searched.low, searched.high))
        scaling = "Logarithmic" if searched.low > 0 else "Linear"
        member = "IntegerParameterRanges" if integer else "ContinuousParameterRanges"
        members.setdefault(member, []).append({**entry, "MinValue": low, "MaxValue": high, "ScalingType": scaling})
    return members
