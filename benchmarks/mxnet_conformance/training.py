"""Read channels, train and write an artifact as the built-in algorithm does. Runs in MXNet's environment.

Reader and recipe: `example/image-classification/common/data.py` and `fit.py` of apache/mxnet, with the defaults of the
algorithm's hyperparameters ("Image Classification Hyperparameters", Amazon SageMaker developer guide) and without
augmentation. Images are RGB from 0 to 255: the batch norm of the input normalises them.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np

BATCH, SHAPE = 32, (3, 224, 224)
MOMENTUM, WEIGHT_DECAY = 0.9, 0.0001
PREFIX = "image-classification"
THREADS = 2


def record_reader(records: Path, training: bool) -> Any:
    """Return the reader of a .rec file. It mixes what it has just read, because it gets no index."""
    return mx.io.ImageRecordIter(
        path_imgrec=str(records),
        data_shape=SHAPE,
        batch_size=BATCH,
        shuffle=training,
        round_batch=training,
        preprocess_threads=THREADS,
        verbose=False,
    )


def list_reader(lines: Path, images: Path, training: bool) -> Any:
    """Return the reader of a .lst file. It mixes all images of the list."""
    return mx.image.ImageIter(
        batch_size=BATCH,
        data_shape=SHAPE,
        path_imglist=str(lines),
        path_root=str(images),
        shuffle=training,
        aug_list=[],
    )


def reader(channels: Path, channel: str, data_format: str, training: bool) -> Any:
    """Return the reader of a channel in one of the two formats, lst or recordio."""
    if data_format == "lst":
        return list_reader(channels / f"{channel}_lst" / f"{channel}.lst", channels / channel, training)
    return record_reader(channels / "recordio" / f"{channel}.rec", training)


def module(symbol: Any, batch: int, training: bool) -> Any:
    """Return a module for batches of images."""
    network = mx.mod.Module(symbol, context=mx.cpu(), label_names=["softmax_label"])
    label = [mx.io.DataDesc("softmax_label", (batch,))]
    network.bind([mx.io.DataDesc("data", (batch, *SHAPE))], label, for_training=training)
    return network


def initialise(network: Any, arguments: Any = None, auxiliary: Any = None) -> None:
    """Set the parameters of a module, at random if none are given."""
    initializer = mx.init.Xavier(rnd_type="gaussian", factor_type="in", magnitude=2)
    network.init_params(initializer, arguments, auxiliary)


def batches(reader: Any) -> Any:
    """Yield the batches of one pass over a channel, as RGB."""
    reader.reset()
    yield from reader


def train_epoch(network: Any, reader: Any) -> dict[str, float]:
    """Train on each batch of a reader once; return the accuracy and the mean cross-entropy of the images."""
    accuracy, loss = mx.metric.create("acc"), mx.metric.create("ce")
    for batch in batches(reader):
        network.forward_backward(batch)
        network.update()
        for metric in (accuracy, loss):
            network.update_metric(metric, batch.label)
    return {"accuracy": accuracy.get()[1], "cross_entropy": loss.get()[1]}


def fit(symbol: Any, readers: tuple[Any, Any], epochs: int, rate: float, folder: Path) -> list[dict[str, float]]:
    """Train with a learning rate and save a checkpoint after each epoch; go on after the last one.

    Args:
        readers: of the training and the validation channel.

    Returns:
        The line of log.jsonl in `folder` for each epoch.
    """
    log = folder / "log.jsonl"
    history = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    network = module(symbol, BATCH, training=True)
    prefix, done = str(folder / PREFIX), len(history)
    initialise(network, *(mx.model.load_checkpoint(prefix, done)[1:] if done else ()))
    network.init_optimizer(
        optimizer="sgd", optimizer_params={"learning_rate": rate, "momentum": MOMENTUM, "wd": WEIGHT_DECAY}
    )
    if done:
        network.load_optimizer_states(f"{prefix}-{done:04d}.states")
    for epoch in range(done + 1, epochs + 1):
        wall, cpu = time.monotonic(), time.process_time()
        line = {"epoch": epoch, **train_epoch(network, readers[0])}
        line["validation_accuracy"] = network.score(readers[1], "acc")[0][1]
        line["seconds"], line["cpu_seconds"] = time.monotonic() - wall, time.process_time() - cpu
        network.save_checkpoint(prefix, epoch, save_optimizer_states=True)
        with log.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)
        history.append(line)
    return history


def best_epoch(history: list[dict[str, float]]) -> int:
    """Return the first epoch with the highest validation accuracy, which the algorithm keeps."""
    return int(max(history, key=lambda line: line["validation_accuracy"])["epoch"])


def write_shapes(folder: Path, batch: int = BATCH) -> None:
    """Write model-shapes.json, which belongs to an artifact."""
    (folder / "model-shapes.json").write_text(json.dumps([{"shape": [batch, *SHAPE], "name": "data"}]))


def load(folder: Path, batch: int, epoch: int) -> Any:
    """Return a module with the parameters of an epoch."""
    symbol, arguments, auxiliary = mx.model.load_checkpoint(str(folder / PREFIX), epoch)
    network = module(symbol, batch, training=False)
    initialise(network, arguments, auxiliary)
    return network


def probabilities(network: Any, images: np.ndarray) -> np.ndarray:
    """Return the probabilities of one batch of images (RGB, NCHW)."""
    network.forward(mx.io.DataBatch([mx.nd.array(images)], [mx.nd.zeros(len(images))]), is_train=False)
    return network.get_outputs()[0].asnumpy()
