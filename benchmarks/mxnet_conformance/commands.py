"""What MXNet does for the conformance script: one command a process. Runs in MXNet's environment.

Each command prints one line of JSON for each result, and writes arrays to files.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import mxnet as mx
import resnet
import training


def fit(options: argparse.Namespace) -> None:
    """Train on RecordIO channels and write the checkpoint of each epoch."""
    options.folder.mkdir(parents=True, exist_ok=True)
    train = training.record_reader(options.channels / "train.rec", training=True)
    validation = training.record_reader(options.channels / "validation_perturbed.rec", training=False)
    training.fit(resnet.symbol(options.layers), train, validation, options.epochs, options.folder)
    training.write_shapes(options.folder)


def main() -> None:
    mx.random.seed(0)
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("fit")
    command.set_defaults(run=fit)
    command.add_argument("--layers", type=int, required=True)
    command.add_argument("--epochs", type=int, required=True)
    command.add_argument("--channels", type=Path, required=True)
    command.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
