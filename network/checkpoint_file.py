"""The checkpoint from which an interrupted job resumes, written after each epoch if the job has a checkpoint folder.

last.pt holds the state after the last epoch. best/ holds the best model so far, because an interrupted job loses
its model folder and later epochs may not improve on it.
"""

import math
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from network.errors import InputError
from network.log import log

if TYPE_CHECKING:
    from network.epoch import Trainer


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
    (folder / "best").mkdir(exist_ok=True)
    for file in model.iterdir():
        if file.is_file():
            temporary = folder / "best" / f"{file.name}.tmp"
            shutil.copyfile(file, temporary)
            temporary.replace(folder / "best" / file.name)
    state = {
        "network": trainer.network.state_dict(),
        "averaged": trainer.averaged.state_dict(),
        "optimizer": trainer.optimizer.state_dict(),
        "step": trainer.step,
        "random": torch.get_rng_state(),
        "progress": asdict(progress),
    }
    temporary = folder / "last.tmp"
    torch.save(state, temporary)
    temporary.replace(folder / "last.pt")


def restore(folder: Path, model: Path, trainer: "Trainer") -> TrainingProgress:
    """Load the checkpoint of an interrupted run with its best model; return its progress.

    Raises:
        InputError: the checkpoint is one of another network or optimizer.
    """
    path = folder / "last.pt"
    if not path.is_file():
        return TrainingProgress()
    state = torch.load(path, weights_only=True)
    try:
        trainer.network.load_state_dict(state["network"])
        trainer.averaged.load_state_dict(state["averaged"])
        trainer.optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, ValueError) as error:
        raise InputError(
            "The checkpoint was written with another use_pretrained_model, num_classes or optimizer; "
            "train with those, or use another CheckpointConfig.S3Uri."
        ) from error
    trainer.step = state["step"]
    torch.set_rng_state(state["random"])
    for file in sorted((folder / "best").iterdir()):
        if file.suffix != ".tmp":
            shutil.copyfile(file, model / file.name)
    progress = TrainingProgress(**state["progress"])
    log(f"Resuming from a checkpoint after {progress.epochs} epochs.")
    return progress
