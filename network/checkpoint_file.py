"""The checkpoint from which an interrupted job resumes, written after each epoch if the job has a checkpoint folder.

It holds the state after the last epoch, and the files of the best model so far, because an interrupted job loses its
model folder and later epochs may not improve on it. SageMaker copies each file to S3 on its own. In one file, the two
always belong together.
"""

import math
import pickle
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from network.errors import InputError
from network.log import log

if TYPE_CHECKING:
    from network.epoch import Trainer

FILE = "last.pt"


@dataclass
class TrainingProgress:
    """How far a training run is.

    Attributes:
        epochs: finished epochs.
        best: best validation accuracy, -1 before the first epoch.
        lowest_loss: lowest validation loss.
        unimproved: epochs since the validation accuracy improved by more than early_stopping_tolerance.
    """

    epochs: int = 0
    best: float = -1.0
    lowest_loss: float = math.inf
    unimproved: int = 0


def save(folder: Path, model: Path, trainer: "Trainer", progress: TrainingProgress) -> None:
    """Write the state after an epoch and the files of the model atomically, if `folder` exists."""
    if not folder.is_dir():
        return
    files = sorted(path for path in model.iterdir() if path.is_file())
    state = {
        "network": trainer.network.state_dict(),
        "averaged": trainer.averaged.state_dict(),
        "optimizer": trainer.optimizer.state_dict(),
        "step": trainer.step,
        "random": torch.get_rng_state(),
        "progress": asdict(progress),
        "model": {path.name: torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8) for path in files},
    }
    temporary = folder / "last.tmp"
    torch.save(state, temporary)
    temporary.replace(folder / FILE)


def restore(folder: Path, model: Path, trainer: "Trainer") -> TrainingProgress:
    """Load the checkpoint of an interrupted run with its best model; return its progress.

    Raises:
        InputError: the checkpoint is damaged, or one of another network, optimizer or version of this code.
    """
    path = folder / FILE
    if not path.is_file():
        return TrainingProgress()
    try:
        state = torch.load(path, weights_only=True)
        trainer.network.load_state_dict(state["network"])
        trainer.averaged.load_state_dict(state["averaged"])
        trainer.optimizer.load_state_dict(state["optimizer"])
        trainer.step = state["step"]
        torch.set_rng_state(state["random"])
        progress = TrainingProgress(**state["progress"])
        files = {Path(name).name: content.numpy().tobytes() for name, content in state["model"].items()}
    except (
        AttributeError, EOFError, LookupError, RuntimeError, TypeError, ValueError, pickle.UnpicklingError
    ) as error:  # fmt: skip
        raise InputError(
            f"The checkpoint {FILE} is damaged, or was written with another use_pretrained_model, num_classes or "
            "optimizer, or by another version of this code; use those, or another CheckpointConfig.S3Uri."
        ) from error
    for name, content in files.items():
        (model / name).write_bytes(content)
    log(f"Resuming from a checkpoint after {progress.epochs} epochs.")
    return progress
