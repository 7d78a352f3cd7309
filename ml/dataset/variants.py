"""What is made from the standardised films: augmented copies for training, and the stressed validation set."""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from ml.dataset.augment import augment
from ml.dataset.perturb import stress
from ml.dataset.radiographs import CLASSES, Film
from ml.progress import Progress
from radiograph import encode

STRESSED = "validation_stressed"
RECIPE = 2
"""Part of a data set's version: raise it with every change to what augment, stress or the lists' order draw."""

Job = tuple[Path, Path, tuple[int, str, int] | str]
"""Source, target, and either (seed, pixels, copy) of an augmented copy or the key of a stressed film."""


def copies(films: Sequence[Film], count: int, seed: int, folder: Path) -> dict[str, list[str]]:
    """Write `count` augmented copies of each film; return their names below the class folder, by the film's name.

    Files are `folder`/augmented/<class>/<copy_name>. The same films, count and seed give the same bytes.
    """
    jobs: list[Job] = []
    names: dict[str, list[str]] = {film.name: [] for film in films}
    for film in films:
        for copy in range(1, count + 1):
            name = copy_name(film, copy)
            names[film.name].append(name)
            target = folder / "augmented" / CLASSES[film.label] / name
            jobs.append((folder / CLASSES[film.label] / film.name, target, (seed, film.pixels, copy)))
    run("Augmenting", jobs)
    return names


def copy_name(film: Film, copy: int) -> str:
    """Return the file name of an augmented copy; names of films have no underscore, so no film has it."""
    return f"{film.name.removesuffix('.jpg')}_copy{copy}.jpg"


def stressed(films: Sequence[Film], folder: Path) -> None:
    """Write the stressed version of each film as `folder`/stressed/<class>/<film>."""
    places = [Path(CLASSES[film.label]) / film.name for film in films]
    jobs: list[Job] = [
        (folder / place, folder / "stressed" / place, film.pixels) for place, film in zip(places, films, strict=True)
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
    """Write one file under a temporary name and rename it."""
    source, target, how = job
    with Image.open(source) as image:
        film = image.convert("L")
    varied = stress(film, how) if isinstance(how, str) else augment(film, np.random.default_rng(seeds(*how)))
    temporary = target.with_suffix(".tmp")
    temporary.write_bytes(encode(varied))
    temporary.replace(target)


def seeds(seed: int, pixels: str, copy: int) -> list[int]:
    """Return the seeds of one copy: they follow the film's pixels, not its place in the set."""
    return [seed, int(pixels[:16], 16), copy]


def balanced(films: Iterable[Film]) -> list[Film]:
    """Return the films with those of the smaller class repeated, in their order, until the classes are equal."""
    by_class: list[list[Film]] = [[] for _ in CLASSES]
    for film in films:
        by_class[film.label].append(film)
    most = max(map(len, by_class))
    return [film for part in by_class if part for film in (part * -(-most // len(part)))[:most]]
