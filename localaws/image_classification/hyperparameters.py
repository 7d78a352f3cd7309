"""The algorithm's hyperparameters: names, ranges and defaults of the built-in Image Classification.

Source: IC-Hyperparameter in the Amazon SageMaker developer guide. Values are strings. Unknown names
are refused. `early_stopping_tolerance` defaults to 0.01, the value that the built-in algorithm logs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from localaws.image_classification.errors import ClientError
from network import hyperparameters
from network.errors import InputError
from network.hyperparameters import Hyperparameters, fraction, hyper, one_of, whole

LAYERS_224 = (18, 34, 50, 101, 152, 200)
LAYERS_28 = (20, 32, 44, 56, 110)
TUNING_OBJECTIVE = "_tuning_objective_metric"
"""Hyperparameter that SageMaker adds to each training job of a tuning job."""


def epochs_list(text: str) -> tuple[int, ...]:
    """Parse lr_scheduler_step, such as "10,20"."""
    parts = text.replace(" ", "").split(",")
    if not all(part.isdigit() for part in parts):
        raise ValueError('whole numbers separated by commas, such as "10,20"')
    return tuple(int(part) for part in parts)


@dataclass(frozen=True, kw_only=True)
class BuiltInHyperparameters(Hyperparameters):
    """Those of the network with the built-in algorithm's defaults, and those that only the built-in algorithm has."""

    num_training_samples: int = hyper(whole(1))
    augmentation_type: str | None = hyper(one_of("crop", "crop_color", "crop_color_transform"), None)
    checkpoint_frequency: int | None = hyper(whole(1), None)
    early_stopping_tolerance: float = hyper(fraction, 0.01)
    epochs: int = hyper(whole(1), 30)
    kv_store: str | None = hyper(one_of("dist_sync", "dist_async"), None)
    learning_rate: float = hyper(fraction, 0.1)
    lr_scheduler_factor: float = hyper(fraction, 0.1)
    lr_scheduler_step: tuple[int, ...] = hyper(epochs_list, ())
    multi_label: int = hyper(one_of(0, 1), 0)
    num_layers: int = hyper(one_of(*LAYERS_224, *LAYERS_28), 152)
    optimizer: str = hyper(one_of("sgd", "adam", "rmsprop", "nag"), "sgd")
    precision_dtype: str = hyper(one_of("float32", "float16"), "float32")
    resize: int | None = hyper(whole(1), None)
    top_k: int | None = hyper(whole(2), None)
    use_pretrained_model: int = hyper(one_of(0, 1), 0)
    use_weighted_loss: int = hyper(one_of(0, 1), 0)

    def faults(self) -> list[str]:
        """Return a sentence for each combination that cannot be trained."""
        faults = [
            (
                self.use_pretrained_model == 1 and self.num_layers not in LAYERS_224,
                f"use_pretrained_model=1 needs num_layers of {LAYERS_224}; received {self.num_layers}",
            ),
            (self.multi_label == 1, "multi_label=1 is not available in this stand-in; use one label per image"),
            (
                self.checkpoint_frequency is not None and self.checkpoint_frequency > self.epochs,
                "checkpoint_frequency must not exceed epochs",
            ),
            (self.top_k is not None and self.top_k > self.num_classes, "top_k must not exceed num_classes"),
        ]
        return super().faults() + [sentence for wrong, sentence in faults if wrong]


def parse(given: Mapping[str, str]) -> BuiltInHyperparameters:
    """Parse the strings of hyperparameters.json.

    Raises:
        ClientError: names every unknown or missing name, invalid value and combination that cannot be trained.
    """
    try:
        return hyperparameters.parse(
            {name: value for name, value in given.items() if name != TUNING_OBJECTIVE}, BuiltInHyperparameters
        )
    except InputError as error:
        raise ClientError(f"ClientError: {error}") from error
