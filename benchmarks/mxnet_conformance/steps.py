"""The steps of the conformance script. Each returns its values as a line, or raises StepError."""

from __future__ import annotations

import math
import tarfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mxnet_conformance import data
from benchmarks.mxnet_conformance.environment import MXNet, StepError, onnx_runtime
from network import mxnet_artifact

LAYERS = (18, 50, 101)
EPOCHS, SHORT_RATE = 2, 0.01
"""In a few steps of the default learning rate, 0.1, the statistics of batch norm do not follow the weights."""
PREFIX = "image-classification"
TOLERANCE = 1e-4
IMAGES, BATCHES, ROUNDS = 16, (1, 8), 3


@dataclass(frozen=True)
class Run:
    """What steps share. `channels` is a folder; `content` is its dataset.json; trainings run in `threads` threads."""

    mxnet: MXNet
    folder: Path
    channels: Path
    content: dict[str, Any]
    threads: int


def check(condition: object, message: str) -> None:
    """Raise StepError unless a condition holds."""
    if not condition:
        raise StepError(message)


def symbol(run: Run, layers: int) -> str:
    """Build the symbol; convolutions outside shortcuts, and the last layer, are as many as its name says."""
    result = run.mxnet("build", layers=layers)
    check(result["weighted"] == layers, f"{result['weighted']} layers with weights, not {layers}")
    check(result["output"] == [1, 2], f"output {result['output']}, not [1, 2]")
    return f"{result['parameters']:,} parameters, {result['statistics']:,} batch norm statistics"


def reading(run: Run, data_format: str) -> str:
    """Compare the labels and pixels that MXNet reads with the list and with Pillow; look for mixed batches."""
    output = run.folder / f"read-{data_format}.npz"
    run.mxnet("read", channels=run.channels, format=data_format, batches=2, output=output)
    read, listed = np.load(output), data.listed(run.channels)
    check(read["labels"].tolist() == [label for label, _ in listed], "labels differ from the list")
    ours = np.stack([data.pixels(path) for _, path in listed[: len(read["pixels"])]]).transpose(0, 3, 1, 2)
    difference = float(np.abs(read["pixels"] - ours).max())
    check(difference == 0, f"pixels differ by up to {difference:g}")
    fractions = read["by_batch"].mean(1)
    mixed = int(((fractions > 0) & (fractions < 1)).sum())
    check(mixed == len(fractions), f"only {mixed} of {len(fractions)} batches have both classes")
    return (
        f"{len(listed)} labels equal, {len(ours)} images with a pixel difference of {difference:g}, {mixed} of "
        f"{len(fractions)} batches with both classes (PNEUMONIA {fractions.min():.2f} to {fractions.max():.2f})"
    )


def training(run: Run, data_format: str) -> str:
    """Train 18 layers and write the artifact."""
    folder = run.folder / f"trained-{data_format}"
    options = {
        "layers": 18,
        "narrower": 1,
        "epochs": EPOCHS,
        "rate": SHORT_RATE,
        "channels": run.channels,
        "format": data_format,
    }
    result = run.mxnet("fit", run.threads, **options, folder=folder)
    losses = [line["cross_entropy"] for line in result["history"]]
    check(all(map(math.isfinite, losses)), f"cross-entropy by epoch: {losses}")
    accuracies = [line["accuracy"] for line in result["history"]]
    seconds = sum(line["cpu_seconds"] for line in result["history"])
    images = EPOCHS * (run.content["training_samples"] + len(data.split_images(run.content, "validation")))
    return (
        f"cross-entropy {', '.join(f'{loss:.3f}' for loss in losses)}; training accuracy "
        f"{', '.join(f'{accuracy:.3f}' for accuracy in accuracies)}; {images / seconds:.1f} images in a CPU second "
        f"(training and validation); {artifact(folder, EPOCHS)}"
    )


def artifact(folder: Path, epoch: int) -> str:
    """Write model.tar.gz as the algorithm does: the files of one epoch, without folders."""
    names = [f"{PREFIX}-{epoch:04d}.params", f"{PREFIX}-symbol.json", "model-shapes.json"]
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        for name in names:
            archive.add(folder / name, name)
    return f"model.tar.gz of {(folder / 'model.tar.gz').stat().st_size / 1e6:.1f} MB: {', '.join(names)}"


def versions(mxnet: MXNet) -> str:
    """Return the versions of MXNet, ONNX Runtime and what they run on."""
    numbers = mxnet("versions") | {name: metadata.version(name) for name in ("onnx", "onnxruntime")}
    return ", ".join(f"{name} {number}" for name, number in numbers.items())


def comparison(run: Run, layers: int) -> str:
    """Compare the probabilities, the speed and the memory of MXNet with those of the exported graph."""
    folder, epoch = run.folder / "trained-recordio", EPOCHS
    images = data.stack(run.channels, data.split_images(run.content, "test")[::2][:IMAGES], run.folder / "images.npz")
    if layers != 18:
        folder, epoch = run.folder / f"random-{layers}", 1
        run.mxnet("random", run.threads, layers=layers, images=images, folder=folder)
        artifact(folder, epoch)
    graph = folder / "model.onnx"
    mxnet_artifact.write(folder / "model.tar.gz", graph)
    values = []
    for batch in BATCHES:
        theirs, ours = folder / f"mxnet-{batch}.npz", folder / f"onnx-{batch}.npz"
        options = {"images": images, "batch": batch, "rounds": ROUNDS}
        speeds = (
            run.mxnet("score", folder=folder, epoch=epoch, output=theirs, **options),
            onnx_runtime(graph=graph, output=ours, **options),
        )
        expected, computed = np.load(theirs)["probabilities"], np.load(ours)["probabilities"]
        difference = float(np.abs(expected - computed).max())
        check(difference <= TOLERANCE, f"probabilities of {len(expected)} images differ by up to {difference:.1e}")
        values.append(
            f"batches of {batch}: MXNet and ONNX Runtime "
            + " and ".join(f"{speed['images_per_cpu_second']:.1f}" for speed in speeds)
            + " images in a CPU second, peaks of "
            + " and ".join(f"{speed['peak_mib']:,.0f}" for speed in speeds)
            + " MiB"
        )
    low, high = expected[:, 1].min(), expected[:, 1].max()
    check(high - low > 10 * TOLERANCE, f"all probabilities are from {low:.3f} to {high:.3f}, which shows nothing")
    first = f"largest difference {difference:.1e} for {len(expected)} images, probabilities {low:.3f} to {high:.3f}"
    return "; ".join([first, *values])
