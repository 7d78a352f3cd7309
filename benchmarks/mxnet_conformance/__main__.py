"""Real MXNet against the project: what it reads from the project's channels, trains and answers.

SageMaker's built-in Image Classification runs a fork of MXNet 1.4 that is not public. This script runs the last public
MXNet, 1.9.1, with the network of its image classification example, which public artifacts of the algorithm contain. It
installs MXNet into an environment of its own; the project itself does not need it. MXNet 1.9.1 has wheels for Linux on
x86-64 and needs Python 3.8 to 3.11.

    python -m benchmarks.mxnet_conformance                               # synthetic radiographs
    python -m benchmarks.mxnet_conformance --data FOLDER                 # your own
    python -m benchmarks.mxnet_conformance --data FOLDER --train FOLDER  # measure 18 layers on its test images

Each step prints a line. The exit code is 1 if one fails.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.mxnet_conformance import data, measurement, steps
from benchmarks.mxnet_conformance.environment import MXNet, StepError, install

ROOT = Path(__file__).resolve().parents[2]


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(
        prog="python -m benchmarks.mxnet_conformance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("--data", metavar="SOURCE", help="a source of ml.prepare (default: synthetic radiographs)")
    result.add_argument("--python", default="python3.11", help="creates the environment (default %(default)s)")
    result.add_argument("--environment", type=Path, default=ROOT / ".cache" / "mxnet", help="default .cache/mxnet")
    result.add_argument(
        "--work", type=Path, default=ROOT / "build" / "mxnet", help="channels and artifacts (default build/mxnet)"
    )
    result.add_argument("--record", type=Path, metavar="FOLDER", help="write a small artifact and its answers, and end")
    result.add_argument("--train", type=Path, metavar="FOLDER", help="train 18 layers on --data, measure them, and end")
    result.add_argument("--epochs", type=int, default=10, help="of --train (default %(default)s)")
    result.add_argument("--threads", type=int, default=2, help="of a training (default %(default)s)")
    return result


def chosen_steps(options: argparse.Namespace, run: steps.Run) -> dict[str, Callable[[], str]]:
    """Return the steps to do, by what they show."""
    if options.record:
        return {"record an artifact": partial(measurement.record, run, options.record)}
    if options.train:
        return {"train and measure": partial(measurement.measure, run, options.epochs)}
    formats = ("lst", "recordio")
    return {
        **{f"symbol of {layers} layers": partial(steps.symbol, run, layers) for layers in steps.LAYERS},
        **{f"channels as {name}": partial(steps.reading, run, name) for name in formats},
        **{f"training from {name}": partial(steps.training, run, name) for name in formats},
        **{f"ONNX graph of {layers} layers": partial(steps.comparison, run, layers) for layers in steps.LAYERS},
    }


def report(name: str, step: Callable[[], str]) -> bool:
    """Do a step and print its line; return whether it succeeded."""
    started = time.monotonic()
    try:
        word, line = "ok", step()
    except StepError as error:
        word, line = "FAILED", str(error)
    print(f"{word:<7} {name} ({time.monotonic() - started:.0f} s): {line}", flush=True)
    return word == "ok"


def main() -> int:
    options = parser().parse_args()
    folder = (options.train or options.work).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        mxnet = MXNet(install(options.environment.resolve(), options.python))
        print(steps.versions(mxnet), flush=True)
    except StepError as error:
        print(f"FAILED  installation: {error}")
        return 1
    source = options.data or data.draw(folder / "phantoms")
    run = steps.Run(mxnet, folder, folder / "data", data.write(source, folder / "data"), options.threads)
    results = [report(name, step) for name, step in chosen_steps(options, run).items()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
