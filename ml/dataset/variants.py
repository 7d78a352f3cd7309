"""Write augmented copies of the training images, and the perturbed validation set."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
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

AT_ONCE = 20_000
"""Jobs that are in memory: a large data set has a million."""

Job = tuple[Path, Path, tuple[int, str, int] | str]
"""Source, target, and either (seed, pixels, copy) of an augmented copy or the key of a perturbed image."""


def copies(images: Sequence[Radiograph], count: int, seed: int, folder: Path) -> None:
    """Write `count` augmented copies of each image as `folder`/augmented/<class>/<copy>.

    The same images, count and seed give the same bytes.
    """
    jobs: Iterator[Job] = (
        (
            folder / CLASSES[image.label] / image.name,
            folder / "augmented" / CLASSES[image.label] / name,
            (seed, image.pixels, copy),
        )
        for image in images
        for copy, name in enumerate(copy_names(image.name, count), 1)
    )
    run("Augmenting", jobs, len(images) * count, folder / "augmented")


def copy_names(name: str, count: int) -> list[str]:
    """Return the names of an image's copies; no image has one, because names of images have no underscore."""
    return [f"{name.removesuffix('.jpg')}_copy{copy}.jpg" for copy in range(1, count + 1)]


def is_copy(name: str) -> bool:
    """Return whether a name or a path is that of a copy."""
    return "_copy" in name


def perturbed(images: Sequence[Radiograph], folder: Path) -> None:
    """Write the perturbed version of each image as `folder`/perturbed/<class>/<image>."""
    paths = (Path(CLASSES[image.label]) / image.name for image in images)
    jobs: Iterator[Job] = (
        (folder / path, folder / "perturbed" / path, image.pixels) for path, image in zip(paths, images, strict=True)
    )
    run("Perturbing", jobs, len(images), folder / "perturbed")


def run(title: str, jobs: Iterator[Job], count: int, target: Path) -> None:
    """Do the jobs on all processors, AT_ONCE at a time; their targets are in the class folders of `target`."""
    for name in CLASSES:
        (target / name).mkdir(parents=True, exist_ok=True)
    progress = Progress(title, count)
    while part := list(islice(jobs, AT_ONCE)):
        for _ in in_processes(make, part, chunk=32):
            progress.advance()
    if count:
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
