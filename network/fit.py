"""The training of a network epoch by epoch, from the last checkpoint to the end."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from network import checkpoint_file
from network.epoch import SEED, Trainer
from network.errors import InputError
from network.images import Channel
from network.log import log
from network.networks import Ensemble


@dataclass(frozen=True)
class Output:
    """Where a training run writes.

    Attributes:
        model: folder of the model.
        checkpoints: folder of the checkpoints; none are written if it does not exist.
        store: writes a network with the number of its epoch, from 1, into the folder of the model.
    """

    model: Path
    checkpoints: Path
    store: Callable[[Ensemble, int], None]


def make_repeatable() -> None:
    """Make training give the same weights for the same input."""
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    # PyTorch then also fills new tensors, in case one is read before it is written. No operation here does that.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def fit(trainer: Trainer, train: Channel, validation: Channel, output: Output, stop: threading.Event) -> None:
    """Train the remaining epochs and store the network whenever validation improves; end early after `stop` is set.

    Raises:
        InputError: the checkpoint cannot be used, or the loss is not finite.
    """
    given = trainer.given
    progress = checkpoint_file.restore(output.checkpoints, output.model, trainer)
    for epoch in range(progress.epochs, given.epochs):
        started = time.monotonic()
        accuracy = trainer.train(train, epoch, stop)
        log(f"Epoch[{epoch}] Train-accuracy={accuracy:.6f}")
        log(f"Epoch[{epoch}] Time cost={time.monotonic() - started:.3f}")
        validated, loss = trainer.validate(validation)
        if trainer.recipe.by_loss and not math.isfinite(loss):
            raise InputError(f"After epoch {epoch + 1}, the validation loss is {loss}; use a smaller learning_rate.")
        log(f"Epoch[{epoch}] Validation-accuracy={validated:.6f}")
        improved = validated > progress.best * (1 + given.early_stopping_tolerance)
        progress.unimproved = 0 if improved else progress.unimproved + 1
        if loss < progress.lowest_loss if trainer.recipe.by_loss else validated > progress.best:
            log(f"Storing the best model with validation accuracy: {validated:.6f}")
            output.store(trainer.averaged, epoch + 1)
        progress.best = max(progress.best, validated)
        progress.lowest_loss = min(progress.lowest_loss, loss)
        progress.epochs = epoch + 1
        checkpoint_file.save(output.checkpoints, output.model, trainer, progress)
        if stop.is_set():
            log("Stop requested. The model directory holds the best model so far.")
            return
        patient = (
            progress.unimproved < given.early_stopping_patience or progress.epochs < given.early_stopping_min_epochs
        )
        if given.early_stopping and not patient:
            log("Early stopping criteria met.")
            return
