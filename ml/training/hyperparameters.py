"""The built-in Image Classification's hyperparameters, as options of ml.train.

Ranges: "Image Classification Hyperparameters", Amazon SageMaker developer guide. Defaults are for fine-tuning on
chest radiographs; where one differs from the algorithm's, `why` says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ml.errors import UserError

Value = str | int | float


@dataclass(frozen=True)
class Hyperparameter:
    """One hyperparameter: its allowed values, the value sent by default (None: not sent), and a line of help."""

    name: str
    default: Value | None
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[Value, ...] = ()
    whole: bool = False

    def check(self, text: str) -> str:
        """Return `text` as it is sent.

        Raises:
            UserError: it is not allowed.
        """
        if self.choices:
            if text in {str(choice) for choice in self.choices}:
                return text
            raise self._refusal(text, "one of " + ", ".join(str(choice) for choice in self.choices))
        if self.low is None:
            return text
        bound = f"at least {self.low:g}" if self.high is None else f"from {self.low:g} to {self.high:g}"
        try:
            value = int(text) if self.whole else float(text)
        except ValueError:
            raise self._refusal(text, f"a {'whole ' if self.whole else ''}number {bound}") from None
        if not self.low <= value <= (float("inf") if self.high is None else self.high):
            raise self._refusal(text, f"a {'whole ' if self.whole else ''}number {bound}")
        return text

    def _refusal(self, text: str, allowed: str) -> UserError:
        option = "--" + self.name.replace("_", "-")
        return UserError(f"{option} {text} is not allowed; it must be {allowed}.", code=2)


def number(name: str, default: Value | None, text: str, low: float, high: float | None = None) -> Hyperparameter:
    """Declare a real number in a range."""
    return Hyperparameter(name, default, text, low, high)


def count(name: str, default: Value | None, text: str, low: int = 1) -> Hyperparameter:
    """Declare a whole number of at least `low`."""
    return Hyperparameter(name, default, text, low, None, whole=True)


def choice(name: str, default: Value | None, text: str, *choices: Value) -> Hyperparameter:
    """Declare one of several values."""
    return Hyperparameter(name, default, text, choices=choices)


TABLE = (
    choice("num_layers", 101, "depth of the ResNet", 18, 34, 50, 101, 152, 200),
    choice("use_pretrained_model", 1, "start from ImageNet weights", 0, 1),
    count("epochs", 4, "passes over the training list, which holds augmented copies"),
    count("mini_batch_size", 32, "images a step; the validation set is a multiple of it"),
    choice("optimizer", "adam", "sgd, adam, rmsprop or nag", "sgd", "adam", "rmsprop", "nag"),
    number("learning_rate", 0.0005, "fine-tuning wants far less than the algorithm's 0.1", 0, 1),
    number("lr_scheduler_factor", None, "learning rate is multiplied by it at each step", 0, 1),
    Hyperparameter("lr_scheduler_step", None, "epochs of those steps, such as 10,20"),
    number("weight_decay", 0.0001, "L2 penalty", 0, 1),
    number("momentum", None, "of sgd and nag", 0, 1),
    number("beta_1", None, "of adam", 0, 1),
    number("beta_2", None, "of adam", 0, 1),
    number("eps", None, "of adam and rmsprop", 0, 1),
    number("gamma", None, "of rmsprop", 0, 1),
    choice("augmentation_type", None, "by the algorithm, which mirrors images; ml.prepare does not", "crop",
           "crop_color", "crop_color_transform"),
    choice("early_stopping", "False", "stop when validation accuracy stalls", "True", "False"),
    count("early_stopping_min_epochs", None, "before early stopping may act"),
    count("early_stopping_patience", None, "epochs without gain before stopping"),
    number("early_stopping_tolerance", 0.001, "relative gain that counts (the container's default is 0.01)", 0, 1),
    count("checkpoint_frequency", None, "every this many epochs a model is kept, instead of the best one only"),
    choice("precision_dtype", None, "float32 or float16", "float32", "float16"),
)  # fmt: skip
"""In the order of --help. Not offered: num_classes and num_training_samples (they follow from the data set),
image_shape (pretrained networks take 3,224,224 only), resize (the images have that size), multi_label and
use_weighted_loss (the classes exclude each other), top_k (pointless for two), kv_store (one machine)."""


def resolve(given: Mapping[str, str | None], samples: int, classes: int) -> dict[str, str]:
    """Return the hyperparameters to send, as strings.

    Args:
        given: option values by hyperparameter name; None where the option was not used.
        samples: lines of the training list.

    Raises:
        UserError: a value, or a combination of values, is not allowed.
    """
    sent = {"num_classes": str(classes), "num_training_samples": str(samples), "image_shape": "3,224,224"}
    for hyperparameter in TABLE:
        value = given.get(hyperparameter.name)
        if value is not None:
            sent[hyperparameter.name] = hyperparameter.check(value)
        elif hyperparameter.default is not None:
            sent[hyperparameter.name] = str(hyperparameter.default)
    check_together(sent, samples)
    return sent


def check_together(sent: Mapping[str, str], samples: int) -> None:
    """Check what one value alone cannot tell.

    Raises:
        UserError: a combination is not allowed.
    """
    epochs = int(sent["epochs"])
    if int(sent["mini_batch_size"]) > samples:
        raise UserError(f"--mini-batch-size {sent['mini_batch_size']} exceeds the {samples} training images.", 2)
    if int(sent.get("checkpoint_frequency", 1)) > epochs:
        raise UserError(f"--checkpoint-frequency must not exceed --epochs ({epochs}).", 2)
    if sent["early_stopping"] == "True" and int(sent.get("early_stopping_min_epochs", 10)) > epochs:
        raise UserError(
            f"Early stopping acts from epoch {sent.get('early_stopping_min_epochs', 10)} on, but --epochs is {epochs}; "
            "set --early-stopping-min-epochs.",
            code=2,
        )
