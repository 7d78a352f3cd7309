"""Standardising full-resolution images: ml.prepare's way against a plain Pillow loop, as ratios measured in one run.

Prints images a second of both, how near the result is to that of the loop, what the decoder alone takes (the limit),
and the memory of the command and of its largest worker with the images offered 1, 10 and 100 times. Exit code 1 when
ml.prepare is less than three times as fast. Run it as `python -m benchmarks.prepare_speed FOLDER`.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from ml.dataset.radiographs import CLASSES, SourceFile
from ml.dataset.standardising import standardise_all
from radiograph import SIDE

ROOT = Path(__file__).resolve().parents[1]
WANTED = 3.0
_MEASURED = """
import resource, sys
from pathlib import Path
from benchmarks.prepare_speed import files_of
from ml.dataset.standardising import standardise_all
images = files_of(Path({folder!r})) * {times}
standardise_all(images, Path({target!r}))
unit = 1 if sys.platform == "darwin" else 1024
print(*(resource.getrusage(who).ru_maxrss * unit for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
"""


def files_of(folder: Path) -> list[SourceFile]:
    """The JPEG images below a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    return [SourceFile(path, int("NORMAL" not in str(path)), None) for path in paths]


def plain_loop(images: Sequence[SourceFile], target: Path) -> float:
    """Open, convert, resize and save one after the other; return the seconds."""
    started = time.perf_counter()
    for number, image in enumerate(images):
        with Image.open(image.path) as picture:
            small = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        small.convert("RGB").save(target / f"{number}.jpg", quality=95, subsampling=0)
    return time.perf_counter() - started


def prepared(images: Sequence[SourceFile], target: Path) -> tuple[float, list[Path]]:
    """Standardise as ml.prepare does; return the seconds and the files in the order of the images."""
    started = time.perf_counter()
    done, rejects = standardise_all(images, target)
    seconds = time.perf_counter() - started
    if rejects:
        raise SystemExit(f"{len(rejects)} images cannot be used, first {rejects[0].path}: {rejects[0].reason}")
    return seconds, [target / CLASSES[image.label] / image.name for image in done]


def decode(path: Path) -> None:
    """Decode an image at the scale that standardising uses, and do nothing with it."""
    with Image.open(path) as image:
        image.draft("L", (2 * SIDE, 2 * SIDE))
        image.load()


def decode_limit(images: Sequence[SourceFile]) -> float:
    """Seconds that decoding alone takes on all processors."""
    started = time.perf_counter()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(decode, [image.path for image in images], chunksize=16):
            pass
    return time.perf_counter() - started


def template_correlation(ours: Sequence[Path], theirs: Path) -> tuple[float, float]:
    """Median and lowest peak signal-to-noise ratio, in dB, between the two ways' images."""
    ratios = []
    for number, path in enumerate(ours):
        with Image.open(path) as one, Image.open(theirs / f"{number}.jpg") as two:
            error = float(((np.asarray(one, float) - np.asarray(two, float)) ** 2).mean())
        ratios.append(10 * math.log10(255**2 / max(error, 1e-9)))
    return float(np.median(ratios)), min(ratios)


def memory(folder: Path, times: int) -> tuple[float, float]:
    """Return the peak resident memory, in bytes, of the command and its largest worker, each image `times` times."""
    with tempfile.TemporaryDirectory() as target:
        script = _MEASURED.format(folder=str(folder.resolve()), times=times, target=target)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    own, worker = done.stdout.split()[-2:]
    return float(own), float(worker)


def compare(images: Sequence[SourceFile], runs: int) -> float:
    """Time both ways and the decoder in turn, print the seconds, and return how many times faster ml.prepare is."""
    loop, ours, limit = [], [], []
    for _ in range(runs):
        # New folders each time: writing an image that is already there is another, cheaper or dearer, thing.
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            loop.append(plain_loop(images, Path(one)))
            seconds, paths = prepared(images, Path(two))
            ours.append(seconds)
            limit.append(decode_limit(images))
            median, lowest = template_correlation(paths, Path(one))
    print(f"{len(images)} images, best of {runs} runs, {os.cpu_count()} processors")
    for name, seconds in (("plain Pillow loop", min(loop)), ("ml.prepare", min(ours)), ("decoding alone", min(limit))):
        print(f"{name:<20}{seconds:7.2f} s {len(images) / seconds:8.1f} images/s {min(loop) / seconds:6.2f} x")
    print(f"ml.prepare takes {min(ours) / min(limit):.2f} times what decoding alone takes.")
    print(f"Likeness to the loop's images: {median:.1f} dB (median), {lowest:.1f} dB (lowest)")
    return min(loop) / min(ours)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of full-resolution JPEG images")
    parser.add_argument("--runs", type=int, default=3, help="of each way, in turn (default %(default)s)")
    parser.add_argument("--times", type=int, default=5, help="how often each image is offered (default %(default)s)")
    parser.add_argument("--no-memory", action="store_true", help="do not measure memory")
    options = parser.parse_args()
    images = files_of(options.folder) * options.times
    if not images or options.runs < 1:
        parser.error(f"{options.folder} holds no JPEG image, or --runs or --times is below 1.")
    ratio = compare(images, options.runs)
    for times in () if options.no_memory else (1, 10, 100):
        own, worker = memory(options.folder, times)
        print(
            f"{times * len(images):>7} images: command {own / 2**20:.0f} MiB, largest worker {worker / 2**20:.0f} MiB"
        )
    return 0 if ratio >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
