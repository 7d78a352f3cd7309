"""What MXNet does for the conformance script, one command in each process. Runs in MXNet's environment.

A command prints its results as one line of JSON, and writes arrays to .npz files.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import memory
import mxnet as mx
import numpy as np
import resnet
import training


def versions(_: argparse.Namespace) -> dict[str, Any]:
    """Return the versions of what computes here."""
    return {"mxnet": mx.__version__, "numpy": np.__version__, "python": platform.python_version()}


def build(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the symbol of a network declares."""
    symbol = resnet.symbol(options.layers)
    shapes, outputs, statistics = symbol.infer_shape(data=(1, *training.SHAPE))
    by_name = dict(zip(symbol.list_arguments(), shapes, strict=True))
    names = [name for name in by_name if name not in ("data", "softmax_label")]
    return {
        "weighted": sum(name.endswith("_weight") and not name.endswith("_sc_weight") for name in names),
        "output": outputs[0],
        "parameters": int(sum(np.prod(by_name[name]) for name in names)),
        "statistics": int(sum(np.prod(shape) for shape in statistics)),
    }


def read(options: argparse.Namespace) -> dict[str, Any]:
    """Write labels and pixels of the training channel in file order, and its labels by batch as training gets them."""
    labels, pixels = [], []
    for batch in training.batches(training.reader(options.channels, "train", options.format, training=False)):
        labels.append(batch.label[0].asnumpy()[: training.BATCH - batch.pad])  # the reader reuses its arrays
        if len(pixels) < options.batches:
            pixels.append(batch.data[0].asnumpy()[: training.BATCH - batch.pad])
    mixed = training.batches(training.reader(options.channels, "train", options.format, training=True))
    by_batch = np.stack([batch.label[0].asnumpy() for batch in mixed])
    np.savez(options.output, labels=np.concatenate(labels), pixels=np.concatenate(pixels), by_batch=by_batch)
    return {"batches": len(by_batch)}


def fit(options: argparse.Namespace) -> dict[str, Any]:
    """Train, write a checkpoint after each epoch, and go on after the last one if there are some."""
    options.folder.mkdir(parents=True, exist_ok=True)
    readers = (
        training.reader(options.channels, "train", options.format, training=True),
        training.reader(options.channels, "validation_perturbed", options.format, training=False),
    )
    symbol = resnet.symbol(options.layers, narrower=options.narrower)
    history = training.fit(symbol, readers, options.epochs, options.rate, options.folder)
    training.write_shapes(options.folder)
    return {"history": history, "best": training.best_epoch(history)}


def random(options: argparse.Namespace) -> dict[str, Any]:
    """Write an artifact with random weights, and the batch norm statistics that images have with them."""
    images = np.load(options.images)["images"].transpose(0, 3, 1, 2)
    symbol = resnet.symbol(options.layers)
    # Without momentum, one batch sets the statistics. MXNet does so in the backward pass, after `update` returns.
    passing = mx.sym.load_json(symbol.tojson().replace(f'"momentum": "{resnet.MOMENTUM}"', '"momentum": "0"'))
    network = training.module(passing, len(images), training=True)
    training.initialise(network)
    batch = mx.io.DataBatch([mx.nd.array(images)], [mx.nd.zeros(len(images))])
    network.init_optimizer(optimizer="sgd", optimizer_params={"learning_rate": 0.0})
    for _ in range(2):
        network.forward_backward(batch)
        network.update()
    mx.nd.waitall()
    options.folder.mkdir(parents=True, exist_ok=True)
    mx.model.save_checkpoint(str(options.folder / training.PREFIX), 1, symbol, *network.get_params())
    training.write_shapes(options.folder)
    return {}


def score(options: argparse.Namespace) -> dict[str, Any]:
    """Write the probabilities of images (RGB, NHWC); return the speed in the last round and the peak of memory."""
    images = np.load(options.images)["images"].transpose(0, 3, 1, 2)
    whole = len(images) // options.batch * options.batch
    padded = np.concatenate([images, images[: whole + options.batch - len(images)]]) if whole < len(images) else images
    network = training.load(options.folder, options.batch, options.epoch)
    for _ in range(options.rounds):
        wall, cpu = time.monotonic(), time.process_time()
        parts = [
            training.probabilities(network, padded[start : start + options.batch])
            for start in range(0, len(padded), options.batch)
        ]
    np.savez(options.output, probabilities=np.concatenate(parts)[: len(images)])
    return {
        "images_per_cpu_second": len(padded) / (time.process_time() - cpu),
        "images_per_second": len(padded) / (time.monotonic() - wall),
        "peak_mib": memory.peak_mib(),
    }


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    result = argparse.ArgumentParser(description=__doc__)
    commands = result.add_subparsers(required=True)
    options: dict[Callable[..., Any], dict[str, Any]] = {
        versions: {},
        build: {"layers": int},
        read: {"channels": Path, "format": str, "batches": int, "output": Path},
        fit: {
            "layers": int,
            "narrower": int,
            "epochs": int,
            "rate": float,
            "channels": Path,
            "format": str,
            "folder": Path,
        },
        random: {"layers": int, "images": Path, "folder": Path},
        score: {"folder": Path, "epoch": int, "images": Path, "batch": int, "rounds": int, "output": Path},
    }
    for run, names in options.items():
        command = commands.add_parser(run.__name__)
        command.set_defaults(run=run)
        for name, kind in names.items():
            command.add_argument(f"--{name}", type=kind, required=True)
    return result


if __name__ == "__main__":
    mx.random.seed(0)
    arguments = parser().parse_args()
    print(json.dumps(arguments.run(arguments)), flush=True)
