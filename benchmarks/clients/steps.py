"""Steps of a client's script. It runs in the client's environment, without the project."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HYPERPARAMETERS = {
    "num_layers": 18,
    "use_pretrained_model": 1,
    "image_shape": "3,224,224",
    "num_classes": 2,
    "num_training_samples": 120,
    "mini_batch_size": 16,
    "epochs": 1,
    "learning_rate": 0.001,
    "optimizer": "adam",
}
CHANNELS = ("train", "validation", "train_lst", "validation_lst")
TRAINING_INSTANCE, HOSTING_INSTANCE = "ml.g4dn.xlarge", "ml.m5.large"


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print a line for a step that succeeds or fails."""
    started = time.monotonic()
    try:
        yield
    except BaseException as error:
        print(f"STEP   FAILED  {name}: {type(error).__name__}: {' '.join(str(error).split())[:300]}", flush=True)
        raise
    print(f"STEP   ok      {name} ({time.monotonic() - started:.0f} s)", flush=True)


def run(*flows: Callable[[], None]) -> None:
    """Run each flow, also after another one failed, and exit with 1 if one failed."""
    failed = False
    for flow in flows:
        try:
            flow()
        except Exception:  # noqa: BLE001 (the failed step printed its line)
            traceback.print_exc(file=sys.stdout)
            failed = True
    sys.exit(failed)


def check(condition: object, message: str) -> None:
    """Raise if a client's result is not what the step promises.

    Raises:
        ValueError: `condition` is false.
    """
    if not condition:
        raise ValueError(message)
