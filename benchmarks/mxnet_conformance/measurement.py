"""Train on a whole data set and measure the network as `ml.transform` does; record a small artifact for tests."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.mxnet_conformance import data
from benchmarks.mxnet_conformance.steps import PREFIX, SHORT_RATE, Run, artifact
from ml.evaluation import evaluate
from ml.evaluation.metrics import table
from ml.evaluation.scored_split import ScoredSplit, scored

RECORDED_EPOCHS, RECORDED_IMAGES, NARROWER = 6, 4, 16
BATCH = 32
RATE = 0.1
"""The algorithm's default learning rate."""


def measure(run: Run, epochs: int) -> str:
    """Train 18 layers from random weights and evaluate the epoch that the algorithm keeps."""
    model = run.folder / "model"
    trained = run.mxnet(
        "fit",
        run.threads,
        layers=18,
        narrower=1,
        epochs=epochs,
        rate=RATE,
        channels=run.channels,
        format="recordio",
        folder=model,
    )
    splits = {name: score(run, model, trained["best"], name) for name in evaluate.SPLITS}
    baseline = json.loads((run.channels / "baseline.json").read_bytes())["scores"]
    result = evaluate.evaluate(splits, baseline, None, evaluate.EvaluationOptions(), run.content["collection"])
    (run.folder / "metrics.json").write_text(json.dumps(result.metrics))
    write_answers(splits["validation"], run.folder / "answers.csv")
    epoch_lines = [
        f"  epoch {line['epoch']}: cross-entropy {line['cross_entropy']:.4f}, accuracy {line['accuracy']:.4f}, "
        f"validation accuracy {line['validation_accuracy']:.4f}, {line['seconds']:.0f} s"
        for line in trained["history"]
    ]
    counts = ", ".join(f"{name} {len(images)} images" for name, images in splits.items())
    heading = (
        f"epoch {trained['best']} of {len(trained['history'])}; {counts}; threshold {result.threshold:.4f}, "
        f"calibration {result.calibration}"
    )
    return "\n".join([heading, *epoch_lines, table(result.test), artifact(model, trained["best"])])


def write_answers(images: ScoredSplit, target: Path) -> None:
    """Write the probabilities as `ml.export` reads them beside a run record."""
    with target.open("w", newline="") as file:
        csv.writer(file).writerows([("file", "MXNet"), *zip(images.files, images.scores.tolist(), strict=True)])


def score(run: Run, model: Path, epoch: int, split: str) -> ScoredSplit:
    """Return the images of a split with MXNet's probabilities."""
    listed = data.split_images(run.content, split)
    images = data.stack(run.channels, listed, run.folder / f"{split}.npz")
    output = run.folder / f"{split}-probabilities.npz"
    run.mxnet("score", run.threads, folder=model, epoch=epoch, images=images, batch=BATCH, rounds=1, output=output)
    probabilities = np.load(output)["probabilities"][:, 1].tolist()
    return scored(listed, {image["file"]: value for image, value in zip(listed, probabilities, strict=True)})


def record(run: Run, target: Path) -> str:
    """Write the artifact of a narrow network of 18 layers, some images, and MXNet's probabilities for them."""
    model = run.folder / "recorded"
    trained = run.mxnet(
        "fit",
        run.threads,
        layers=18,
        narrower=NARROWER,
        epochs=RECORDED_EPOCHS,
        rate=SHORT_RATE,
        channels=run.channels,
        format="recordio",
        folder=model,
    )
    target.mkdir(parents=True, exist_ok=True)
    for name in (f"{PREFIX}-{trained['best']:04d}.params", f"{PREFIX}-symbol.json", "model-shapes.json"):
        shutil.copy(model / name, target)
    listed = data.split_images(run.content, "test")
    listed = [*listed[: RECORDED_IMAGES // 2], *listed[-RECORDED_IMAGES // 2 :]]
    images = data.stack(run.channels, listed, run.folder / "recorded.npz")
    output = run.folder / "recorded-probabilities.npz"
    run.mxnet("score", folder=model, epoch=trained["best"], images=images, batch=1, rounds=1, output=output)
    answers = {}
    for image, probabilities in zip(listed, np.load(output)["probabilities"].tolist(), strict=True):
        name = Path(image["file"]).with_suffix(".png").name
        Image.fromarray(data.pixels(run.channels / image["file"])[..., 0]).save(target / name)
        answers[name] = probabilities
    (target / "answers.json").write_text(json.dumps(answers, indent=1) + "\n")
    size = sum(path.stat().st_size for path in target.iterdir())
    return f"{size:,} bytes in {target}; probabilities {[round(values[1], 4) for values in answers.values()]}"
