"""The checkpoint from which an interrupted job resumes, written after each epoch if /opt/ml/checkpoints exists.

last.pt holds the state after the last epoch. best/ holds the best model so far, because an interrupted job loses
/opt/ml/model and later epochs may not improve on it.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from localaws.image_classification.container_log import log
from localaws.image_classification.errors import ClientError

if TYPE_CHECKING:
    from localaws.image_classification.epoch import Trainer


def save(root: Path, trainer: "Trainer", epochs_done: int, best: float) -> None:
    """Write the state after an epoch atomically, if the job has a checkpoint folder."""
    folder = root / "checkpoints"
    if not folder.is_dir():
        return
    for file in (root / "model").iterdir():
        (folder / "best").mkdir(exist_ok=True)
        temporary = folder / "best" / f"{file.name}.tmp"
        shutil.copyfile(file, temporary)
        temporary.replace(folder / "best" / file.name)
    state = {
        "network": trainer.network.state_dict(),
        "averaged": trainer.averaged.state_dict(),
        "optimizer": trainer.optimizer.state_dict(),
        "step": trainer.step,
        "epochs_done": epochs_done,
        "best": best,
    }
    temporary = folder / "last.tmp"
    torch.save(state, temporary)
    temporary.replace(folder / "last.pt")


def restore(root: Path, trainer: "Trainer") -> int:
    """Load the checkpoint of an interrupted run with its best model; return the next epoch, 0 without one.

    Raises:
        ClientError: the checkpoint is one of another network or optimizer.
    """
    path = root / "checkpoints" / "last.pt"
    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True)
    try:
        trainer.network.load_state_dict(state["network"])
        trainer.averaged.load_state_dict(state["averaged"])
        trainer.optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, ValueError) as error:
        raise ClientError(
            "Customer Error: The checkpoint was written with another use_pretrained_model, num_classes or optimizer; "
            "train with those, or use another CheckpointConfig.S3Uri."
        ) from error
    trainer.step = state["step"]
    for file in sorted((path.parent / "best").glob("*")):
        shutil.copyfile(file, root / "model" / file.name)
    log(f"Resuming from a checkpoint after {state['epochs_done']} epochs.")
    return int(state["epochs_done"])


def best(root: Path) -> float:
    """Return the best validation accuracy of the interrupted run, -1 if there is none."""
    path = root / "checkpoints" / "last.pt"
    return float(torch.load(path, weights_only=True)["best"]) if path.is_file() else -1.0
