"""The stand-in's artifact: the network as an ONNX graph, its shapes, and notes on its training."""

import json
from dataclasses import asdict
from pathlib import Path

from localaws.image_classification.hyperparameters import BuiltInHyperparameters
from network import export
from network.networks import Ensemble


def write(network: Ensemble, given: BuiltInHyperparameters, epoch: int, folder: Path) -> None:
    """Write model.onnx, model-shapes.json and stand-in.json into `folder`, each under a temporary name first.

    Raises:
        RuntimeError: ONNX Runtime does not reproduce PyTorch's probabilities.
    """
    folder.mkdir(parents=True, exist_ok=True)
    export.write(network, given.image_shape, folder / "model.onnx")
    notes = {
        "stand_in": "localaws image classification; not the built-in algorithm's network",
        "network": network.name,
        "epoch": epoch,
        "hyperparameters": asdict(given),
    }
    for name, content in (
        ("model-shapes.json", [{"shape": [1, *given.image_shape], "name": "data"}]),
        ("stand-in.json", notes),
    ):
        temporary = folder / f"{name}.tmp"
        temporary.write_text(json.dumps(content), encoding="utf-8")
        temporary.replace(folder / name)
