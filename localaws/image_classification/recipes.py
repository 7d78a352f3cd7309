"""The recipes that the stand-in can train with: the network's own, or the container's."""

import os

from localaws.image_classification.hyperparameters import BuiltInHyperparameters
from network.recipe import Recipe

VARIABLE = "LOCALAWS_TRAINING_RECIPE"
"""Environment variable with the recipe's name."""
STAND_IN, CONTAINER = "stand-in", "container"


def chosen() -> str:
    """Return the name of the recipe in the environment."""
    return os.environ.get(VARIABLE, STAND_IN)


def recipe(name: str, given: BuiltInHyperparameters) -> Recipe:
    """Return a recipe for the hyperparameters of a job.

    The container's is what the developer guide says of the built-in algorithm; nothing else of it is documented.
    """
    if name == STAND_IN:
        return Recipe()
    return Recipe(given.lr_scheduler_step, given.lr_scheduler_factor, False, 0.0, None, 0.0, False)
