"""The trained network in a model folder."""

from dataclasses import asdict
from pathlib import Path

import torch

from network import networks
from network.hyperparameters import ScriptHyperparameters
from network.networks import Ensemble

NAME = "weights.pt"


def save(network: Ensemble, given: ScriptHyperparameters, folder: Path) -> None:
    """Write a network's weights, what is needed to build it again, and the hyperparameters of its training."""
    state = {
        "weights": network.state_dict(),
        "num_classes": network.num_classes,
        "fine_tuned": bool(given.use_pretrained_model),
        "recipe": given.recipe,
        "image_shape": list(given.image_shape),
        "hyperparameters": asdict(given),
    }
    temporary = folder / f"{NAME}.tmp"
    torch.save(state, temporary)
    temporary.replace(folder / NAME)


def load(folder: Path) -> tuple[Ensemble, tuple[int, int, int]]:
    """Return the network of a model folder, ready to score, and the (channels, height, width) it was trained with."""
    state = torch.load(folder / NAME, weights_only=True)
    network = networks.build(state["num_classes"], state["fine_tuned"], state["recipe"])
    network.load_state_dict(state["weights"])
    channels, height, width = state["image_shape"]
    return network.eval(), (channels, height, width)
