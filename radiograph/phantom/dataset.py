"""A folder of phantoms in the layout of the public chest X-ray collection, complete or not there at all."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from radiograph.phantom.drawing import draw

Progress = Callable[[int, int], None]

MIN_IMAGES: Final = 10
"""Fewer images would leave a class without an image in the test set."""
MAX_PATIENTS: Final = 100_000
_MARKER: Final = ".phantom.json"
_GENERATOR: Final = 2  # raise it when the same seed draws other images
_TEST_SHARE: Final = 0.2
_PNEUMONIA_SHARE: Final = 0.6
_IMAGES_PER_PATIENT: Final = ((1, 2, 3), (0.72, 0.19, 0.09))
_JPEG_QUALITIES: Final = (75, 96)


@dataclass(frozen=True)
class Planned:
    """One image to draw: where it goes below the folder, whose it is, which of that person's images, ill or not."""

    path: str
    patient: int
    number: int
    pneumonia: bool


def plan(images: int, seed: int) -> list[Planned]:
    """The images of a data set: 20 % of them test, 60 % of either split pneumonia, no person in two splits.

    Raises ValueError when `images` is below `MIN_IMAGES` or above `MAX_PATIENTS`, or `seed` is negative.
    """
    if not MIN_IMAGES <= images <= MAX_PATIENTS:
        raise ValueError(f"{images} images asked for; choose between {MIN_IMAGES} and {MAX_PATIENTS:,}.")
    if seed < 0:
        raise ValueError(f"Seed {seed} asked for; choose a whole number of 0 or more.")
    rng = np.random.default_rng([seed, images])
    patients = iter(rng.permutation(images) + 1)  # so that a number tells neither the class nor the split
    planned: list[Planned] = []
    for split, share in (("test", _TEST_SHARE), ("train", 1 - _TEST_SHARE)):
        count = round(images * share)
        ill = round(count * _PNEUMONIA_SHARE)
        for label, quota in (("PNEUMONIA", ill), ("NORMAL", count - ill)):
            left = quota
            while left > 0:
                patient = int(next(patients))
                number = min(left, int(rng.choice(_IMAGES_PER_PATIENT[0], p=_IMAGES_PER_PATIENT[1])))
                left -= number
                for image in range(number):
                    path = f"{split}/{label}/phantom{patient:05d}-{image + 1}.jpeg"
                    planned.append(Planned(path, patient, image, label == "PNEUMONIA"))
    return planned


def write_dataset(folder: Path, images: int = 600, seed: int = 0, progress: Progress | None = None) -> None:
    """Draw `images` phantoms to folder/{train,test}/{NORMAL,PNEUMONIA}/phantom<patient>-<n>.jpeg on all processors.

    The folder appears under its name only when it is complete; one that is complete with the same settings is left
    as it is. The same arguments give the same bytes. `progress` is called with (images drawn, images in all).
    Raises ValueError for impossible settings, FileExistsError when the folder holds anything else, OSError when it
    cannot be written.
    """
    planned = plan(images, seed)
    settings = {"generator": _GENERATOR, "images": images, "seed": seed}
    if _is_complete(folder, planned, settings):
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(
            f"{folder} already holds something else; name a new or an empty folder, or remove this one."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        partial.chmod(0o755)  # mkdtemp makes it private
        for place in {Path(image.path).parent for image in planned}:
            (partial / place).mkdir(parents=True)
        _draw_all(partial, planned, seed, progress)
        (partial / _MARKER).write_text(json.dumps(settings) + "\n", encoding="utf-8")
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _is_complete(folder: Path, images: list[Planned], settings: dict[str, int]) -> bool:
    try:
        found = json.loads((folder / _MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(found == settings) and all((folder / image.path).is_file() for image in images)


def _draw_all(folder: Path, images: list[Planned], seed: int, progress: Progress | None) -> None:
    # A person's images follow one another in the plan, so a chunk mostly draws each chest once.
    jobs = [(str(folder / image.path), seed, image) for image in images]
    # Started afresh and not forked: the caller may have threads, and a fork copies their held locks.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_processors(), mp_context=context) as pool:
        try:
            for done, _ in enumerate(pool.map(_draw_one, jobs, chunksize=8), start=1):
                if progress is not None:
                    progress(done, len(images))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _draw_one(job: tuple[str, int, Planned]) -> None:
    path, seed, image = job
    picture = draw(seed * MAX_PATIENTS + image.patient, image.pneumonia, image.number)
    # The encoder's setting is drawn per image and knows nothing of the disease: no shortcut through the file.
    quality = int(np.random.default_rng([seed, image.patient, image.number]).integers(*_JPEG_QUALITIES))
    picture.save(path, "JPEG", quality=quality)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
