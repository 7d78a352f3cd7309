"""Write augmented copies of the training images, and the perturbed validation set."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ml import atomic
from ml.dataset.augment import augment
from ml.dataset.parallel import in_processes
from ml.dataset.perturb import perturb
from ml.dataset.radiographs import CLASSES, Radiograph
from ml.progress import Progress
from radiograph import encode

PERTURBED = "validation_perturbed"
RECIPE = 3
"""Part of a data set's version: raise it with every change to the draws of augment or perturb, or to the lists."""

Job = tuple[Path, Path, tuple[int, str, int] | str]
"""Source, target, and either (seed, pixels, copy) of an augmented copy or the key of a perturbed image."""


def copies(images: Sequence[Radiograph], count: int, seed: int, folder: Path) -> dict[str, list[str]]:
    """Write `count` augmented copies of each image; return their names below the class folder, by the image's name.

    Files are `folder`/augmented/<class>/<copy_name>. The same images, count and seed give the same bytes.
    """
    names = names_of_copies(images, count)
    jobs: list[Job] = [
        (
            folder / CLASSES[image.label] / image.name,
            folder / "augmented" / CLASSES[image.label] / name,
            (seed, image.pixels, copy),
        )
        for image in images
        for copy, name in enumerate(names[image.name], 1)
    ]
    run("Augmenting", jobs)
    return names


def names_of_copies(images: Sequence[Radiograph], count: int) -> dict[str, list[str]]:
    """Return the names of the augmented copies of each image, by the image's name."""
    return {image.name: [copy_name(image, copy) for copy in range(1, count + 1)] for image in images}


def copy_name(image: Radiograph, copy: int) -> str:
    """Return the file name of an augmented copy; no image has it, because names of images have no underscore."""
    return f"{image.name.removesuffix('.jpg')}_copy{copy}.jpg"


def perturbed(images: Sequence[Radiograph], folder: Path) -> None:
    """Write the perturbed version of each image as `folder`/perturbed/<class>/<image>."""
    paths = [Path(CLASSES[image.label]) / image.name for image in images]
    jobs: list[Job] = [
        (folder / path, folder / "perturbed" / path, image.pixels) for path, image in zip(paths, images, strict=True)
    ]
    run("Perturbing", jobs)


def run(title: str, jobs: Sequence[Job]) -> None:
    """Do the jobs on all processors."""
    for target in {target.parent for _, target, _ in jobs}:
        target.mkdir(parents=True, exist_ok=True)
    progress = Progress(title, len(jobs))
    for _ in in_processes(make, jobs, chunk=32):
        progress.advance()
    if jobs:
        progress.finish()


def make(job: Job) -> None:
    """Write one file."""
    source, target, recipe = job
    with Image.open(source) as picture:
        image = picture.convert("L")
    varied = (
        perturb(image, recipe) if isinstance(recipe, str) else augment(image, np.random.default_rng(seeds(*recipe)))
    )
    atomic.write(target, encode(varied))


def seeds(seed: int, pixels: str, copy: int) -> list[int]:
    """Return the seeds of one copy: they depend on the image's pixels, not on its position in the set."""
    return [seed, int(pixels[:16], 16), copy]


def balanced(images: Iterable[Radiograph]) -> list[Radiograph]:
    """Return the images, and those of the smaller class repeated in order until the classes are equal."""
    by_class: list[list[Radiograph]] = [[] for _ in CLASSES]
    for image in images:
        by_class[image.label].append(image)
    most = max(map(len, by_class))
    return [image for part in by_class if part for image in (part * -(-most // len(part)))[:most]]
