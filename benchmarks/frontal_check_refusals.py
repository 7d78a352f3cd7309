"""Count the radiographs that the check for frontal radiographs rejects, and the images of other things that pass.

Run it as `python -m benchmarks.frontal_check_refusals --data FOLDER` on any folder of chest radiographs (JPEG or PNG,
any depth). The exit code is 1 if more than 1 % of them are rejected.

The check was fitted on the children of chest-xray-pneumonia and on a sample of NIH ChestX-ray14. On their images, only
the cross-validation of `benchmarks.frontal_check_fit` shows how often it rejects radiographs that it has not seen.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from ml.evaluation.statistics import proportion
from radiograph import ImageError, phantom
from radiograph.frontal_check import standardise_frontal

MAX_REJECTED = 0.01


def radiographs(folder: Path) -> list[Path]:
    """Return every JPEG, PNG and WebP file below a folder."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))


def others() -> Iterator[tuple[str, Image.Image]]:
    """Yield images that are not upright chest radiographs: drawings, and photographs from installed packages."""
    draw = random.Random(0)  # noqa: S311 (a repeatable drawing)
    size = (800, 640)
    for grey in (0, 128, 255):
        yield "blank", Image.new("L", size, grey)
    for count in (20, 60):
        page = Image.new("L", size, 250)
        for line in range(count):
            text = " ".join("x" * draw.randint(1, 11) for _ in range(24))
            ImageDraw.Draw(page).text((20, 10 + line * (620 // count)), text, fill=0)
        yield "page of text", page
        yield "dark screen of text", ImageOps.invert(page)
    for seed in range(10):
        generator = np.random.default_rng(seed)
        yield "noise", Image.fromarray(generator.integers(0, 256, (640, 800), np.uint8))
        smooth = Image.fromarray(generator.integers(0, 256, (8, 10), np.uint8)).resize(size, Image.Resampling.BICUBIC)
        yield "clouds in grey", smooth
        colours = Image.fromarray(generator.integers(0, 256, (8, 10, 3), np.uint8)).resize(
            size, Image.Resampling.BICUBIC
        )
        yield "clouds in colour", colours
        image = phantom.draw(seed, seed % 2 == 0)
        yield "inverted image", ImageOps.invert(image)
        yield "image on its side", image.rotate(90, expand=True)
        yield "image upside down", image.rotate(180)
    for angle in range(0, 360, 45):
        yield "gradient", Image.linear_gradient("L").rotate(angle).resize(size)
    yield "gradient", Image.radial_gradient("L")
    yield from photographs()


def photographs() -> Iterator[tuple[str, Image.Image]]:
    """Yield the photographs of scikit-learn and Matplotlib, in colour and in grey, whole and in part."""
    import matplotlib
    import sklearn.datasets

    folders = [Path(sklearn.datasets.__file__).parent / "images", Path(matplotlib.get_data_path()) / "sample_data"]
    for path in [path for folder in folders for path in sorted(folder.glob("*.jpg"))]:
        for part in parts(path):
            yield "photograph in colour", part
            yield "photograph in grey", part.convert("L").filter(ImageFilter.GaussianBlur(1))


def parts(path: Path) -> Iterator[Image.Image]:
    """Yield a picture in colour, its four quarters and its centre, reduced to at most 1,200 pixels."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((1200, 1200))
    width, height = picture.size
    x, y = width // 2, height // 2
    boxes = [(0, 0, width, height), (0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)]
    yield from map(picture.crop, [*boxes, (x // 2, y // 2, x // 2 + x, y // 2 + y)])


def rejection(data: bytes) -> str | None:
    """Return why a file is rejected, or None if it passes."""
    try:
        standardise_frontal(data, max_bytes=None)
    except ImageError as error:
        return str(error)
    return None


def share(count: int, total: int) -> str:
    """Return "k of n" with the 95 % Wilson interval."""
    fraction = proportion(count, total)
    return f"{count} of {total}, {fraction.value:.2%} [{fraction.low:.2%}, {fraction.high:.2%}]"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, action="append", help="a folder of chest radiographs; can be repeated"
    )
    options = parser.parse_args()
    paths = [path for folder in options.data for path in radiographs(folder)]
    if not paths:
        parser.error(f"--data {', '.join(map(str, options.data))}: contains no JPEG or PNG file.")
    started = time.process_time()
    reasons = Counter(reason for path in paths if (reason := rejection(path.read_bytes())) is not None)
    milliseconds = 1000 * (time.process_time() - started) / len(paths)
    rejected = reasons.total()
    print(f"radiographs rejected: {share(rejected, len(paths))}; {milliseconds:.1f} ms each, decoding included")
    for reason, count in reasons.most_common():
        print(f"  {count:4} {reason}")
    passed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for name, image in others():
        buffer = BytesIO()
        image.save(buffer, "PNG")
        total[name] += 1
        passed[name] += rejection(buffer.getvalue()) is None
    print("images of other things that pass")
    for name, count in total.items():
        print(f"  {passed[name]:4} of {count:3} {name}")
    return 0 if rejected <= MAX_REJECTED * len(paths) else 1


if __name__ == "__main__":
    sys.exit(main())
