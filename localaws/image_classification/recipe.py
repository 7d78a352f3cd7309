"""How a network is trained with the hyperparameters of a job: the stand-in's own recipe, or the container's."""

from dataclasses import dataclass

VARIABLE = "LOCALAWS_TRAINING_RECIPE"
"""Environment variable with the recipe's name."""


@dataclass(frozen=True)
class Recipe:
    """What a recipe adds to the hyperparameters.

    Attributes:
        follows_steps: lr_scheduler_step sets the learning rate. If False, it rises and then falls along a cosine.
        balanced: each class has the same influence on the loss.
        label_smoothing: keeps the network from extreme probabilities on a data set that is easier than practice.
        max_gradient: largest norm of a member's gradient; larger gradients are scaled down. None for no limit.
        averaged_fraction: fraction of all steps that the running average of the weights covers. The average is scored
            and stored. 0 scores and stores the current weights.
        decays_adaptive: adam and rmsprop apply weight_decay too.
    """

    name: str
    follows_steps: bool
    balanced: bool
    label_smoothing: float
    max_gradient: float | None
    averaged_fraction: float
    decays_adaptive: bool


STAND_IN = Recipe("stand-in", False, True, 0.04, 2.0, 0.1, True)
CONTAINER = Recipe("container", True, False, 0.0, None, 0.0, False)
"""What the developer guide says of the built-in algorithm. Its container adds nothing else that is documented."""

RECIPES = {recipe.name: recipe for recipe in (STAND_IN, CONTAINER)}
