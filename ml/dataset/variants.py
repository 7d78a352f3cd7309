"""What is made from the standardised images: augmented copies for training, and the perturbed validation set."""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from ml import atomic
from ml.dataset.augment import augment
from ml.dataset.perturb import perturb
from ml.dataset.radiographs import CLASSES, Radiograph
from ml.progress import Progress
from radiograph import encode

PERTURBED = "validation_stressed"
RECIPE = 2
"""Part of a data set's version: raise it with every change to what augment, stress or the lists' order draw."""

Job = tuple[Path, Path, tuple[int, str, int] | str]
"""Source, target, and either (seed, pixels, copy) of an augmented copy or the key of a perturbed image."""


def copies(images: Sequence[Radiograph], count: int, seed: int, folder: Path) -> dict[str, list[str]]:
    """Write `count` augmented copies of each image; return their names below the class folder, by the image's name.

    Files are `folder`/augmented/<class>/<copy_name>. The same images, count and seed give the same bytes.
    """
    jobs: list[Job] = []
    names: dict[str, list[str]] = {image.name: [] for image in images}
    for image in images:
        for copy in range(1, count + 1):
            name = copy_name(image, copy)
            names[image.name].append(name)
            target = folder / "augmented" / CLASSES[image.label] / name
            jobs.append((folder / CLASSES[image.label] / image.name, target, (seed, image.pixels, copy)))
    run("Augmenting", jobs)
    return names


def copy_name(image: Radiograph, copy: int) -> str:
    """Return the file name of an augmented copy; names of images have no underscore, so no image has it."""
    return f"{image.name.removesuffix('.jpg')}_copy{copy}.jpg"


def perturbed(images: Sequence[Radiograph], folder: Path) -> None:
    """Write the perturbed version of each image as `folder`/perturbed/<class>/<image>."""
    places = [Path(CLASSES[image.label]) / image.name for image in images]
    jobs: list[Job] = [
        (folder / place, folder / "perturbed" / place, image.pixels)
        for place, image in zip(places, images, strict=True)
    ]
    run("Stressing", jobs)


def run(title: str, jobs: Sequence[Job]) -> None:
    """Do the jobs on all processors."""
    for target in {target.parent for _, target, _ in jobs}:
        target.mkdir(parents=True, exist_ok=True)
    progress = Progress(title, len(jobs))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(make, jobs, chunksize=32):
            progress.advance()
    if jobs:
        progress.finish()


def make(job: Job) -> None:
    """Write one file."""
    source, target, how = job
    with Image.open(source) as picture:
        image = picture.convert("L")
    varied = perturb(image, how) if isinstance(how, str) else augment(image, np.random.default_rng(seeds(*how)))
    atomic.write(target, encode(varied))


def seeds(seed: int, pixels: str, copy: int) -> list[int]:
    """Return the seeds of one copy: they follow the image's pixels, not its place in the set."""
    return [seed, int(pixels[:16], 16), copy]


def balanced(images: Iterable[Radiograph]) -> list[Radiograph]:
    """Return the images with those of the smaller class repeated, in their order, until the classes are equal."""
    by_class: list[list[Radiograph]] = [[] for _ in CLASSES]
    for image in images:
        by_class[image.label].append(image)
    most = max(map(len, by_class))
    return [image for part in by_class if part for image in (part * -(-most // len(part)))[:most]]
