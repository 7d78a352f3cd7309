"""How a network is trained with the hyperparameters of a job."""

from dataclasses import dataclass

RECIPES = LAPTOP, CLOUD = "laptop", "cloud"
"""Recipes of the network. CLOUD has a second EfficientNet-Lite0, on smaller images."""


@dataclass(frozen=True)
class Recipe:
    """What a recipe adds to the hyperparameters.

    Attributes:
        steps: epochs after which the learning rate is multiplied by `factor`. None: it rises, then falls along a
            cosine.
        balanced: each class has the same influence on the loss.
        label_smoothing: keeps the network from extreme probabilities on a data set that is easier than practice.
        max_gradient: largest norm of a member's gradient; larger gradients are scaled down. None for no limit.
        averaged_fraction: fraction of all steps that the running average of the weights covers. The average is scored
            and stored. 0 scores and stores the current weights.
        decays_adaptive: adam and rmsprop apply weight_decay too.
        by_loss: the epoch with the lowest validation loss is stored, not the one with the highest accuracy, which
            several epochs can have.
    """

    steps: tuple[int, ...] | None = None
    factor: float = 1.0
    balanced: bool = True
    label_smoothing: float = 0.04
    max_gradient: float | None = 2.0
    averaged_fraction: float = 0.1
    decays_adaptive: bool = True
    by_loss: bool = False
