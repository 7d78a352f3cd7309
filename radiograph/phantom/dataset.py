"""Write a folder of phantoms in the layout of the public chest X-ray collection."""

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
"""With fewer images, a class would have none in the test set."""
MAX_PATIENTS: Final = 100_000
_MARKER: Final = ".phantom.json"
_GENERATOR: Final = 3  # increase it when the same seed draws different images
_TEST_FRACTION: Final = 0.2
_PNEUMONIA_FRACTION: Final = 0.6
_IMAGES_PER_PATIENT: Final = ((1, 2, 3), (0.72, 0.19, 0.09))
_JPEG_QUALITIES: Final = (75, 96)


@dataclass(frozen=True)
class PlannedImage:
    """An image to draw: its path below the folder, its patient, its number among that patient's images, its class."""

    path: str
    patient: int
    number: int
    pneumonia: bool


def plan(images: int, seed: int) -> list[PlannedImage]:
    """Plan a data set: 20 % of the images are for test, 60 % of each split show pneumonia, no patient is in two splits.

    Raises ValueError if `images` is below `MIN_IMAGES` or above `MAX_PATIENTS`, or if `seed` is negative.
    """
    if not MIN_IMAGES <= images <= MAX_PATIENTS:
        raise ValueError(f"Received {images} images; between {MIN_IMAGES} and {MAX_PATIENTS:,} are allowed.")
    if seed < 0:
        raise ValueError(f"Received seed {seed}; 0 and above are allowed.")
    rng = np.random.default_rng([seed, images])
    patients = iter(rng.permutation(images) + 1)  # shuffled: a number reveals neither class nor split
    planned: list[PlannedImage] = []
    for split, fraction in (("test", _TEST_FRACTION), ("train", 1 - _TEST_FRACTION)):
        count = round(images * fraction)
        ill = round(count * _PNEUMONIA_FRACTION)
        for label, quota in (("PNEUMONIA", ill), ("NORMAL", count - ill)):
            remaining = quota
            while remaining > 0:
                patient = int(next(patients))
                number = min(remaining, int(rng.choice(_IMAGES_PER_PATIENT[0], p=_IMAGES_PER_PATIENT[1])))
                remaining -= number
                for image in range(number):
                    path = f"{split}/{label}/phantom{patient:05d}-{image + 1}.jpeg"
                    planned.append(PlannedImage(path, patient, image, label == "PNEUMONIA"))
    return planned


def write_dataset(folder: Path, images: int = 600, seed: int = 0, progress: Progress | None = None) -> None:
    """Draw `images` phantoms to folder/{train,test}/{NORMAL,PNEUMONIA}/phantom<patient>-<n>.jpeg on all processors.

    The folder is renamed to its name when it is complete. A complete folder with the same settings is left as it is.
    The same arguments give the same bytes. `progress` is called with (images drawn, images in total).
    Raises ValueError for invalid settings, FileExistsError if the folder contains anything else, and OSError if it
    cannot be written.
    """
    planned = plan(images, seed)
    settings = {"generator": _GENERATOR, "images": images, "seed": seed}
    if _is_complete(folder, planned, settings):
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(
            f"{folder} already contains other files; choose a new or empty folder, or remove this one."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        partial.chmod(0o755)  # mkdtemp creates it with mode 0o700
        for parent in {Path(image.path).parent for image in planned}:
            (partial / parent).mkdir(parents=True)
        _draw_all(partial, planned, seed, progress)
        (partial / _MARKER).write_text(json.dumps(settings) + "\n", encoding="utf-8")
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _is_complete(folder: Path, images: list[PlannedImage], settings: dict[str, int]) -> bool:
    try:
        recorded = json.loads((folder / _MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(recorded == settings) and all((folder / image.path).is_file() for image in images)


def _draw_all(folder: Path, images: list[PlannedImage], seed: int, progress: Progress | None) -> None:
    # A patient's images are neighbours in the plan, and the cache of chests serves a chunk of them.
    jobs = [(str(folder / image.path), seed, image) for image in images]
    # Spawned, not forked: the caller may have threads, and a fork copies the locks they hold.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_processors(), mp_context=context) as pool:
        try:
            for done, _ in enumerate(pool.map(_draw_file, jobs, chunksize=8), start=1):
                if progress is not None:
                    progress(done, len(images))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _draw_file(job: tuple[str, int, PlannedImage]) -> None:
    path, seed, image = job
    phantom = draw(seed * MAX_PATIENTS + image.patient, image.pneumonia, image.number)
    # The quality is drawn for each image, independent of the disease: the file size must not reveal the class.
    quality = int(np.random.default_rng([seed, image.patient, image.number]).integers(*_JPEG_QUALITIES))
    phantom.save(path, "JPEG", quality=quality)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
