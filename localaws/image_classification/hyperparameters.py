"""The algorithm's hyperparameters: names, ranges and defaults of the built-in Image Classification.

Source: IC-Hyperparameter in the Amazon SageMaker developer guide. Values are strings. Unknown names
are refused. `early_stopping_tolerance` defaults to 0.01, the value that the built-in algorithm logs.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from localaws.image_classification.errors import ClientError

LAYERS_224 = (18, 34, 50, 101, 152, 200)
LAYERS_28 = (20, 32, 44, 56, 110)
SMALL_HEIGHT = 28
"""Pixels up to which MXNet's ResNet has the layers of LAYERS_28 (symbols/resnet.py in its image-classification)."""
TUNING_OBJECTIVE = "_tuning_objective_metric"
"""Hyperparameter that SageMaker adds to each training job of a tuning job."""


def whole(minimum: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from `minimum` up."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]+", text) or int(text) < minimum:
            raise ValueError(f"a whole number of at least {minimum}")
        return int(text)

    return parse


def fraction(text: str) -> float:
    """Parse a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ValueError("a number from 0 to 1")
    return value


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


def epochs_list(text: str) -> tuple[int, ...]:
    """Parse lr_scheduler_step, such as "10,20"."""
    parts = text.replace(" ", "").split(",")
    if not all(part.isdigit() for part in parts):
        raise ValueError('whole numbers separated by commas, such as "10,20"')
    return tuple(int(part) for part in parts)


def hyper(parse: Callable[[str], Any], default: Any = ...) -> Any:
    """Declare a hyperparameter with its parser and, unless it is required, its default."""
    if default is ...:
        return field(metadata={"parse": parse})
    return field(default=default, metadata={"parse": parse})


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """Parsed and checked hyperparameters, under the names of the developer guide."""

    num_classes: int = hyper(whole(2))
    num_training_samples: int = hyper(whole(1))
    augmentation_type: str | None = hyper(one_of("crop", "crop_color", "crop_color_transform"), None)
    beta_1: float = hyper(fraction, 0.9)
    beta_2: float = hyper(fraction, 0.999)
    checkpoint_frequency: int | None = hyper(whole(1), None)
    early_stopping: bool = hyper(one_of(True, False), False)
    early_stopping_min_epochs: int = hyper(whole(1), 10)
    early_stopping_patience: int = hyper(whole(1), 5)
    early_stopping_tolerance: float = hyper(fraction, 0.01)
    epochs: int = hyper(whole(1), 30)
    eps: float = hyper(fraction, 1e-8)
    gamma: float = hyper(fraction, 0.9)
    image_shape: tuple[int, int, int] = hyper(shape, (3, 224, 224))
    kv_store: str | None = hyper(one_of("dist_sync", "dist_async"), None)
    learning_rate: float = hyper(fraction, 0.1)
    lr_scheduler_factor: float = hyper(fraction, 0.1)
    lr_scheduler_step: tuple[int, ...] = hyper(epochs_list, ())
    mini_batch_size: int = hyper(whole(1), 32)
    momentum: float = hyper(fraction, 0.9)
    multi_label: int = hyper(one_of(0, 1), 0)
    num_layers: int = hyper(one_of(*LAYERS_224, *LAYERS_28), 152)
    optimizer: str = hyper(one_of("sgd", "adam", "rmsprop", "nag"), "sgd")
    precision_dtype: str = hyper(one_of("float32", "float16"), "float32")
    resize: int | None = hyper(whole(1), None)
    top_k: int | None = hyper(whole(2), None)
    use_pretrained_model: int = hyper(one_of(0, 1), 0)
    use_weighted_loss: int = hyper(one_of(0, 1), 0)
    weight_decay: float = hyper(fraction, 0.0001)


def parse(given: Mapping[str, str]) -> Hyperparameters:
    """Parse the strings of hyperparameters.json.

    Raises:
        ClientError: names every unknown or missing name, invalid value and combination that cannot be trained.
    """
    known = {item.name: item for item in fields(Hyperparameters)}
    given = {name: value for name, value in given.items() if name != TUNING_OBJECTIVE}
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
    faults += [
        f"'{name}' is a required property" for name in ("num_classes", "num_training_samples") if name not in given
    ]
    if faults:
        raise ClientError("ClientError: Invalid hyperparameters: " + "; ".join(faults))
    parsed = Hyperparameters(**values)
    check_together(parsed)
    return parsed


def check_together(given: Hyperparameters) -> None:
    """Check the hyperparameters that depend on each other.

    Raises:
        ClientError: a combination that cannot be trained.
    """
    channels, height, width = given.image_shape
    faults = [
        (channels not in (1, 3), f"image_shape must have 1 or 3 channels; received {channels}"),
        (
            given.use_pretrained_model == 1 and (channels, height, width) != (3, 224, 224),
            "use_pretrained_model=1 needs image_shape 3,224,224",
        ),
        (
            given.num_layers not in (layers := LAYERS_224 if height > SMALL_HEIGHT else LAYERS_28),
            f"image_shape {channels},{height},{width} needs num_layers of {layers}; received {given.num_layers}",
        ),
        (given.multi_label == 1, "multi_label=1 is not available in this stand-in; use one label per image"),
        (
            given.checkpoint_frequency is not None and given.checkpoint_frequency > given.epochs,
            "checkpoint_frequency must not exceed epochs",
        ),
        (given.top_k is not None and given.top_k > given.num_classes, "top_k must not exceed num_classes"),
    ]
    broken = [sentence for wrong, sentence in faults if wrong]
    if broken:
        raise ClientError("ClientError: Invalid hyperparameters: " + "; ".join(broken))
