"""What each factor of the offline augmentation buys: train with all, with none, and with all but one.

Every arm has the same images, the same number of training steps and the same seeds; in the arm "none" the copies are
the images themselves. Each model is scored on clean validation, perturbed validation and, once, on test; nothing is
chosen here. Prints a table of AUC with its 95 % interval over patients. Run it as
`python -m benchmarks.augmentation_ablation FOLDER`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from localaws.image_classification.serve import ServedModel
from localaws.sagemaker.container.process import container_environment
from ml.dataset import groups, sources, split, standardising, variants
from ml.dataset.augment import FACTORS, augment
from ml.dataset.layout import list_text, shuffled
from ml.dataset.radiographs import CLASSES, Radiograph
from ml.dataset.variants import seeds
from ml.evaluation.auroc import auroc
from ml.evaluation.statistics import IntervalEstimate
from radiograph import SIDE, encode

ROOT = Path(__file__).resolve().parents[1]
ALL = frozenset(FACTORS)
ARMS: dict[str, frozenset[str]] = {
    "all": ALL,
    "none": frozenset(),
    **{f"all but {factor}": ALL - {factor} for factor in FACTORS},
}


def copy_image(
    folder: Path, target: Path, factors: frozenset[str], seed: int, job: tuple[Radiograph, int]
) -> tuple[int, str]:
    """Write one copy of an image; return its line of the list. Copy 0 is the image itself."""
    image, number = job
    path = f"{CLASSES[image.label]}/{number}-{image.name}"
    data = (folder / CLASSES[image.label] / image.name).read_bytes()
    if number and factors:
        with Image.open(folder / CLASSES[image.label] / image.name) as picture:
            data = encode(
                augment(picture.convert("L"), np.random.default_rng(seeds(seed, image.pixels, number)), factors)
            )
    (target / path).write_bytes(data)
    return image.label, path


def write_channel(root: Path, name: str, lines: Iterable[tuple[int, str]], seed: int) -> None:
    """Write a channel's list, shuffled as `ml.prepare` does."""
    folder = root / f"input/data/{name}_lst"
    folder.mkdir(parents=True)
    (folder / f"{name}.lst").write_text(list_text(shuffled(lines, name, seed)))


def train(
    images: Sequence[Radiograph],
    validation: Sequence[Radiograph],
    folder: Path,
    root: Path,
    arm: str,
    options: argparse.Namespace,
) -> None:
    """Train one arm as a training job would, under `root`."""
    jobs = [(image, number) for image in images for number in range(options.copies + 1)]
    for channel in ("train", "validation"):
        for name in CLASSES:
            (root / "input/data" / channel / name).mkdir(parents=True)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        make = partial(copy_image, folder, root / "input/data/train", ARMS[arm], options.seed)
        write_channel(root, "train", pool.map(make, jobs, chunksize=32), options.seed)
    keep = partial(copy_image, folder, root / "input/data/validation", frozenset(), options.seed)
    write_channel(root, "validation", [keep((image, 0)) for image in validation], options.seed)
    sent = {
        "num_classes": len(CLASSES), "num_training_samples": len(jobs), "image_shape": f"3,{SIDE},{SIDE}",
        "use_pretrained_model": 1, "epochs": options.epochs, "mini_batch_size": 32, "optimizer": "adam",
        "learning_rate": 0.001,
    }  # fmt: skip
    (root / "input/config").mkdir(parents=True)
    text = json.dumps({name: str(value) for name, value in sent.items()})
    (root / "input/config/hyperparameters.json").write_text(text)
    command = [sys.executable, "-m", "localaws.image_classification", "train", "--root", str(root)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=container_environment())


def auc(model: ServedModel, images: Sequence[Radiograph], folder: Path) -> IntervalEstimate:
    """Score images and return the AUC, with its interval over patients."""
    scores = [model.score((folder / CLASSES[image.label] / image.name).read_bytes())[1] for image in images]
    return auroc(np.array([image.label for image in images]), np.array(scores), [image.patient for image in images])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="collection in Kaggle's layout")
    parser.add_argument("--images", type=int, default=1000, help="training images, drawn once (default %(default)s)")
    parser.add_argument("--copies", type=int, default=2, help="of each training image (default %(default)s)")
    parser.add_argument("--epochs", type=int, default=2, help="default %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the draw and the copies (default 0)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "standardised"
        files = sources.open_source(str(options.folder), Path(work), options.seed, None).images
        images, _ = standardising.standardise_all(files, folder)
        splits = split.split(groups.group(images)[0], 0.125, 0.2, 32, options.seed)
        variants.perturbed(splits["validation"], folder)
        order = np.random.default_rng(options.seed).permutation(len(splits["train"]))[: options.images]
        drawn = [splits["train"][index] for index in sorted(order)]
        print(f"{len(drawn)} training images, {options.copies} copies of each, {options.epochs} epochs, "
              f"seed {options.seed}; AUC on {len(splits['validation'])} validation images, clean and perturbed, "
              f"and {len(splits['test'])} test images", flush=True)  # fmt: skip
        print(f"{'factors':<18}{'validation':<24}{'perturbed validation':<24}{'test':<24}seconds", flush=True)
        for arm in ARMS:
            started = time.monotonic()
            with tempfile.TemporaryDirectory() as root:
                train(drawn, splits["validation"], folder, Path(root), arm, options)
                model = ServedModel(Path(root) / "model")
                cells = [
                    auc(model, splits["validation"], folder),
                    auc(model, splits["validation"], folder / "perturbed"),
                    auc(model, splits["test"], folder),
                ]
            shown = "".join(f"{f'{one.value:.4f} [{one.low:.3f}, {one.high:.3f}]':<24}" for one in cells)
            print(f"{arm:<18}{shown}{time.monotonic() - started:.0f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
