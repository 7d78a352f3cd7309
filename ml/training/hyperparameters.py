"""The hyperparameters of both algorithms: allowed values, defaults and help.

Ranges: "Image Classification Hyperparameters", Amazon SageMaker developer guide. Defaults are for fine-tuning on
chest radiographs; the help says where they differ from the algorithm's. The project's own network has the same names.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ml.algorithms import BUILT_IN, PYTORCH
from ml.errors import UserError
from network.recipe import CLOUD, LAPTOP, RECIPES

Value = str | int | float

WHOLE = re.compile(r"[0-9]+")
REAL = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
"""`network` has the same rules: Python's int and float also accept 1_0, spaces and digits of other scripts."""
OPTIMIZERS = ("sgd", "adam", "rmsprop", "nag")


@dataclass(frozen=True)
class Hyperparameter:
    """One hyperparameter: its allowed values, its default (None: not sent), its help, the optimizers that use it."""

    name: str
    default: Value | None
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[Value, ...] = ()
    whole: bool = False
    optimizers: tuple[str, ...] = OPTIMIZERS

    @property
    def allowed(self) -> str:
        """The allowed values."""
        if self.choices:
            return "one of " + ", ".join(map(str, self.choices))
        if self.low is None:
            return "increasing epochs, as in 10,20"
        bounds = f"of at least {self.low:g}" if self.high is None else f"from {self.low:g} to {self.high:g}"
        return f"a {'whole ' if self.whole else ''}number {bounds}"

    def check(self, text: str) -> None:
        """Check a value.

        Raises:
            UserError: it is not allowed.
        """
        if not self.allows(text):
            raise UserError(f"{option(self.name)}{text}: must be {self.allowed}.", 2)

    def allows(self, text: str) -> bool:
        """Return whether a value is allowed."""
        if self.choices:
            return text in map(str, self.choices)
        if self.low is None:
            steps = [int(step) for step in text.split(",")] if re.fullmatch(r"[1-9][0-9]*(,[1-9][0-9]*)*", text) else []
            return steps != [] and steps == sorted(set(steps))
        if not (WHOLE if self.whole else REAL).fullmatch(text):
            return False
        value = int(text) if self.whole else float(text)
        return self.low <= value <= (float("inf") if self.high is None else self.high)


def number(
    name: str, default: Value | None, text: str, low: float, high: float, optimizers: tuple[str, ...] = OPTIMIZERS
) -> Hyperparameter:
    """Declare a real number in a range."""
    return Hyperparameter(name, default, text, low, high, optimizers=optimizers)


def count(name: str, default: Value | None, text: str, low: int = 1) -> Hyperparameter:
    """Declare a whole number of at least `low`."""
    return Hyperparameter(name, default, text, low, None, whole=True)


def choice(name: str, default: Value | None, text: str, *choices: Value) -> Hyperparameter:
    """Declare one of several values."""
    return Hyperparameter(name, default, text, choices=choices)


TABLE = (
    choice("recipe", None, "of pytorch: cloud adds a second EfficientNet-Lite0, on smaller images", *RECIPES),
    choice("num_layers", 101, "depth of the ResNet", 18, 34, 50, 101, 152, 200),
    choice("use_pretrained_model", 1, "start from ImageNet weights (1) or from random ones (0)", 0, 1),
    count("epochs", 4, "passes over the training list, which contains augmented copies"),
    count("mini_batch_size", 32, "images per step; prepare makes the validation set a multiple of it"),
    choice("optimizer", "adam", "optimizer", *OPTIMIZERS),
    number("learning_rate", 0.0005, "learning rate; the algorithm's default, 0.1, is too high for fine-tuning", 0, 1),
    number("lr_scheduler_factor", 0.1, "factor of the learning rate at each step; 1 keeps it constant", 0, 1),
    Hyperparameter("lr_scheduler_step", None, "epochs after which the factor applies; by default 1/2 and 3/4 of them"),
    number("weight_decay", 0.0001, "L2 penalty of sgd and nag; with pytorch, of all", 0, 1, ("sgd", "nag")),
    number("momentum", None, "of sgd and nag", 0, 1, ("sgd", "nag")),
    number("beta_1", None, "of adam", 0, 1, ("adam",)),
    number("beta_2", None, "of adam", 0, 1, ("adam",)),
    number("eps", None, "of adam and rmsprop", 0, 1, ("adam", "rmsprop")),
    number("gamma", None, "of rmsprop", 0, 1, ("rmsprop",)),
    choice("augmentation_type", None, "by the algorithm, which also mirrors images", "crop",
           "crop_color", "crop_color_transform"),
    choice("early_stopping", "False", "stop when validation accuracy stops improving", "True", "False"),
    count("early_stopping_min_epochs", None, "epochs before early stopping"),
    count("early_stopping_patience", None, "epochs without improvement before stopping"),
    number("early_stopping_tolerance", 0.001, "smallest relative improvement (0.01 in the container)", 0, 1),
    count("checkpoint_frequency", None, "epochs between stored models; by default only the best is stored"),
    choice("precision_dtype", None, "data type of the weights", "float32", "float16"),
)  # fmt: skip
"""In the order of --help. Not offered: num_classes and num_training_samples (they follow from the data set),
image_shape (pretrained networks take 3,224,224 only), resize (the images have that size), multi_label and
use_weighted_loss (the classes exclude each other), top_k (pointless for two), kv_store (one machine)."""
NOT_OF_PYTORCH = ("num_layers", "lr_scheduler_factor", "lr_scheduler_step", "augmentation_type", "checkpoint_frequency",
                  "precision_dtype")  # fmt: skip
"""The project's own network has a fixed depth, a schedule of its own, and stores its best epoch only."""
NOT_OF_BUILT_IN = ("recipe",)
RECIPE_DEFAULTS: dict[str, dict[str, Value]] = {
    LAPTOP: {"recipe": LAPTOP, "epochs": 2, "learning_rate": 0.001},
    CLOUD: {"recipe": CLOUD, "epochs": 2, "learning_rate": 0.001},
}
"""Where the defaults of the project's own network differ: docs/results.md measures them."""
BY_NAME = {hyperparameter.name: hyperparameter for hyperparameter in TABLE}
OWN_OPTION = ("recipe", "num_layers", "use_pretrained_model", "epochs", "mini_batch_size", "optimizer",
              "learning_rate")  # fmt: skip
"""Hyperparameters with an option of their own in ml.train; `--set NAME=VALUE` sets the others."""


class Setting(NamedTuple):
    """A hyperparameter's name and its value."""

    name: str
    value: str


def option(name: str) -> str:
    """Return the command line for a hyperparameter, up to its value."""
    return f"--{name.replace('_', '-')} " if name in OWN_OPTION else f"--set {name}="


def parse_setting(text: str) -> Setting:
    """Return the setting in the text of --set.

    Raises:
        UserError: the hyperparameter is unknown or has an option of its own, or its value is not allowed.
    """
    name, _, value = text.partition("=")
    name = name.replace("-", "_")
    others = [hyperparameter.name for hyperparameter in TABLE if hyperparameter.name not in OWN_OPTION]
    if name in OWN_OPTION:
        raise UserError(f"--set {text}: give it as {option(name)}{value}.", 2)
    if name not in others:
        raise UserError(f"--set {text}: {name!r} is unknown; allowed: {', '.join(others)}.", 2)
    BY_NAME[name].check(value)
    return Setting(name, value)


def table_text() -> str:
    """Return the help of --set: a line for each hyperparameter without an option of its own."""
    lines = [
        f"  {hyperparameter.name:<26}{hyperparameter.help}: {hyperparameter.allowed}"
        + (f" [default: {hyperparameter.default}]" if hyperparameter.default is not None else "")
        + (f" (not of {PYTORCH})" if hyperparameter.name in NOT_OF_PYTORCH else "")
        for hyperparameter in TABLE
        if hyperparameter.name not in OWN_OPTION
    ]
    return "\n".join(["Hyperparameters of --set (not sent where no default is given):", *lines])


def default(hyperparameter: Hyperparameter, algorithm: str, recipe: str = LAPTOP) -> Value | None:
    """Return the default of an algorithm and, for the project's own network, of a recipe; None if it is not sent."""
    if algorithm != PYTORCH:
        return hyperparameter.default
    if hyperparameter.name in NOT_OF_PYTORCH:
        return None
    return RECIPE_DEFAULTS[recipe].get(hyperparameter.name, hyperparameter.default)


def shown_default(hyperparameter: Hyperparameter) -> str:
    """Return the default, and those of the project's own network that differ from it."""
    own = {recipe: default(hyperparameter, PYTORCH, recipe) for recipe in RECIPES}
    if hyperparameter.name in NOT_OF_BUILT_IN:
        return str(own[LAPTOP])
    differing = [value for value in own.values() if value not in (None, hyperparameter.default)]
    if len(set(differing)) == 1:
        return f"{hyperparameter.default}; {differing[0]} for {PYTORCH}"
    parts = [f"{value} for {PYTORCH} with recipe {recipe}" for recipe, value in own.items() if differing]
    return "; ".join([str(hyperparameter.default), *parts])


def resolve(given: Mapping[str, Value | None], samples: int, classes: int, algorithm: str = BUILT_IN) -> dict[str, str]:
    """Return the hyperparameters to send, as strings.

    Args:
        given: values by hyperparameter name; None for the default.
        samples: lines of the training list.

    Raises:
        UserError: a value, or a combination of values, is not allowed.
    """
    sent = {"num_classes": str(classes), "num_training_samples": str(samples), "image_shape": "3,224,224"}
    optimizer = str(given.get("optimizer") or BY_NAME["optimizer"].default)
    recipe = str(given.get("recipe") or LAPTOP)
    for hyperparameter in TABLE:
        value = given.get(hyperparameter.name)
        if value is not None:
            hyperparameter.check(str(value))
            received = f"{option(hyperparameter.name)}{value}"
            check_used(hyperparameter.name, optimizer, received, algorithm)
            check_applied(hyperparameter.name, algorithm, received)
        elif optimizer in hyperparameter.optimizers:
            value = default(hyperparameter, algorithm, recipe)
        if value is not None:
            sent[hyperparameter.name] = str(value)
    if (
        "lr_scheduler_factor" in sent
        and "lr_scheduler_step" not in sent
        and (steps := default_steps(int(sent["epochs"])))
    ):
        sent["lr_scheduler_step"] = steps
    check_together(sent, samples)
    return sent


def default_steps(epochs: int) -> str:
    """Return the epochs after which the learning rate falls: half and three quarters of them; "" for one epoch."""
    return ",".join(str(step) for step in sorted({epochs // 2, 3 * epochs // 4} - {0}))


def check_used(name: str, optimizer: str, received: str, algorithm: str = BUILT_IN) -> None:
    """Check that an optimizer uses a hyperparameter ("Image Classification Hyperparameters").

    The project's own network applies weight_decay with every optimizer.

    Raises:
        UserError: it ignores the hyperparameter.
    """
    users = BY_NAME[name].optimizers
    if optimizer not in users and (algorithm, name) != (PYTORCH, "weight_decay"):
        raise UserError(
            f"{received}: the optimizer {optimizer} ignores {name}, which is only of {' and '.join(users)}. Leave it "
            "out, or choose another optimizer.",
            2,
        )


def check_applied(name: str, algorithm: str, received: str) -> None:
    """Check that an algorithm applies a hyperparameter.

    Raises:
        UserError: it does not.
    """
    if algorithm == PYTORCH and name in NOT_OF_PYTORCH:
        raise UserError(f"{received}: the algorithm {PYTORCH} does not apply {name}; leave it out.", 2)
    if algorithm == BUILT_IN and name in NOT_OF_BUILT_IN:
        raise UserError(
            f"{received}: the algorithm {BUILT_IN} has no {name}; leave it out, or give --algorithm {PYTORCH}.", 2
        )


def check_together(sent: Mapping[str, str], samples: int) -> None:
    """Check values that depend on each other.

    Raises:
        UserError: a combination is not allowed.
    """
    epochs = int(sent["epochs"])
    if int(sent["mini_batch_size"]) > samples:
        raise UserError(f"--mini-batch-size {sent['mini_batch_size']} exceeds the {samples} training images.", 2)
    steps = sent.get("lr_scheduler_step", "")
    if steps and int(steps.split(",")[-1]) >= epochs:
        raise UserError(
            f"--set lr_scheduler_step={steps}: must be increasing epochs below --epochs {epochs}, as in 10,20.", 2
        )
    if int(frequency := sent.get("checkpoint_frequency", "1")) > epochs:
        raise UserError(f"--set checkpoint_frequency={frequency}: must be at most --epochs {epochs}.", 2)
    first_stop = sent.get("early_stopping_min_epochs", "10")
    if sent["early_stopping"] == "True" and int(first_stop) > epochs:
        raise UserError(
            f"--set early_stopping=True stops after epoch {first_stop} at the earliest, but --epochs is {epochs}; "
            f"add --set early_stopping_min_epochs=N with N at most {epochs}.",
            code=2,
        )
