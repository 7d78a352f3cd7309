"""The hyperparameters: those of SageMaker's built-in Image Classification that this network applies.

Names and ranges are those of IC-Hyperparameter in the Amazon SageMaker developer guide. Values are strings.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

from network.errors import InputError
from network.recipe import LAPTOP, RECIPES


def whole(minimum: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from `minimum` up."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]+", text) or int(text) < minimum:
            raise ValueError(f"a whole number of at least {minimum}")
        return int(text)

    return parse


def fraction(text: str) -> float:
    """Parse a number from 0 to 1."""
    if not re.fullmatch(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text) or float(text) > 1:
        raise ValueError("a number from 0 to 1")
    return float(text)


def one_of(*allowed: Any) -> Callable[[str], Any]:
    """Return a parser that accepts the string form of one of `allowed`."""

    def parse(text: str) -> Any:
        for value in allowed:
            if text == str(value):
                return value
        raise ValueError("one of " + ", ".join(str(value) for value in allowed))

    return parse


def shape(text: str) -> tuple[int, int, int]:
    """Parse image_shape, "channels,height,width"."""
    parts = text.replace(" ", "").split(",")
    if len(parts) != 3 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise ValueError('three whole numbers "channels,height,width", such as 3,224,224')
    channels, height, width = (int(part) for part in parts)
    return channels, height, width


def hyper(parse: Callable[[str], Any], default: Any = MISSING) -> Any:
    """Declare a hyperparameter with its parser and, unless it is required, its default."""
    if default is MISSING:
        return field(metadata={"parse": parse})
    return field(default=default, metadata={"parse": parse})


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """Parsed and checked hyperparameters."""

    num_classes: int = hyper(whole(2))
    num_training_samples: int | None = hyper(whole(1), None)
    beta_1: float = hyper(fraction, 0.9)
    beta_2: float = hyper(fraction, 0.999)
    early_stopping: bool = hyper(one_of(True, False), False)
    early_stopping_min_epochs: int = hyper(whole(1), 10)
    early_stopping_patience: int = hyper(whole(1), 5)
    early_stopping_tolerance: float = hyper(fraction, 0.001)
    epochs: int = hyper(whole(1), 2)
    eps: float = hyper(fraction, 1e-8)
    gamma: float = hyper(fraction, 0.9)
    image_shape: tuple[int, int, int] = hyper(shape, (3, 224, 224))
    learning_rate: float = hyper(fraction, 0.001)
    mini_batch_size: int = hyper(whole(1), 32)
    momentum: float = hyper(fraction, 0.9)
    optimizer: str = hyper(one_of("sgd", "adam", "rmsprop", "nag"), "adam")
    use_pretrained_model: int = hyper(one_of(0, 1), 1)
    weight_decay: float = hyper(fraction, 0.0001)

    def faults(self) -> list[str]:
        """Return a sentence for each combination that cannot be trained."""
        channels, height, width = self.image_shape
        faults = []
        if channels not in (1, 3):
            faults.append(f"image_shape must have 1 or 3 channels; received {channels}")
        if self.use_pretrained_model == 1 and self.image_shape != (3, 224, 224):
            faults.append(f"use_pretrained_model=1 needs image_shape 3,224,224; received {channels},{height},{width}")
        return faults


@dataclass(frozen=True, kw_only=True)
class ScriptHyperparameters(Hyperparameters):
    """Those of a job in PyTorch's container, which also choose the recipe."""

    recipe: str = hyper(one_of(*RECIPES), LAPTOP)


Kind = TypeVar("Kind", bound=Hyperparameters)


def parse(given: Mapping[str, str], kind: type[Kind]) -> Kind:
    """Parse the strings of a job.

    Raises:
        InputError: names every unknown or missing name, invalid value and combination that cannot be trained.
    """
    known = {item.name: item for item in fields(kind)}
    faults = [
        f"Additional properties are not allowed ('{name}' was unexpected)" for name in sorted(set(given) - set(known))
    ]
    values: dict[str, Any] = {}
    for name, item in known.items():
        if name in given:
            try:
                values[name] = item.metadata["parse"](str(given[name]))
            except ValueError as error:
                faults.append(f"'{given[name]}' is not valid for '{name}': it must be {error}")
        elif item.default is MISSING:
            faults.append(f"'{name}' is a required property")
    if not faults:
        parsed = kind(**values)
        faults = parsed.faults()
    if faults:
        raise InputError("Invalid hyperparameters: " + "; ".join(faults))
    return parsed
