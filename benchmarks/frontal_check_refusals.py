"""Count the radiographs that the check for frontal radiographs rejects, and the images of other things that pass.

Run it as `python -m benchmarks.frontal_check_refusals --data FOLDER` on any folder of chest radiographs (JPEG or PNG,
any depth). The exit code is 1 if more than 1 % of them are rejected. `--template` prints the mean image of
`radiograph.template` instead.

The template was averaged from the children's radiographs of chest-xray-pneumonia. Only another collection shows how
often the check rejects radiographs that it has not seen.
"""

from __future__ import annotations

import argparse
import math
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
from radiograph import ImageError, phantom, standardise
from radiograph.frontal_check import standardise_frontal
from radiograph.template import TEMPLATE_SIDE

MAX_REJECTED = 0.01


def radiographs(folder: Path) -> list[Path]:
    """Return every JPEG and PNG file below a folder."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))


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
        with Image.open(path) as opened:
            photograph = opened.convert("RGB")
        width, height = photograph.size
        boxes = [(0, 0, width, height), (0, 0, width // 2, height // 2), (width // 2, 0, width, height // 2),
                 (0, height // 2, width // 2, height), (width // 2, height // 2, width, height)]  # fmt: skip
        for part in map(photograph.crop, boxes):
            yield "photograph in colour", part
            yield "photograph in grey", part.convert("L").filter(ImageFilter.GaussianBlur(1))


def rejection(data: bytes) -> str | None:
    """Return why a file is rejected, or None if it passes."""
    try:
        standardise_frontal(data, max_bytes=None)
    except ImageError as error:
        return str(error)
    return None


def mean_image(paths: list[Path]) -> bytes:
    """Return the mean of images on 16 x 16 pixels, each brought to mean 0 and length 1, stretched to 0..255."""
    total = np.zeros(TEMPLATE_SIDE * TEMPLATE_SIDE)
    for path in paths:
        image = standardise(path.read_bytes(), max_bytes=None)
        small = image.resize((TEMPLATE_SIDE, TEMPLATE_SIDE), Image.Resampling.BOX)
        values = np.asarray(small, float).ravel()
        values -= values.mean()
        total += values / max(float(np.linalg.norm(values)), 1e-6)
    stretched = (total - total.min()) / (total.max() - total.min()) * 255
    return bytes(np.round(stretched).astype(np.uint8).tolist())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, required=True, action="append", help="a folder of chest radiographs; can be repeated"
    )
    parser.add_argument("--template", action="store_true", help="print the mean image of these files instead")
    options = parser.parse_args()
    paths = [path for folder in options.data for path in radiographs(folder)]
    if not paths:
        parser.error(f"--data {', '.join(map(str, options.data))}: contains no JPEG or PNG file.")
    if options.template:
        print(mean_image(paths).hex())
        return 0
    started = time.process_time()
    reasons = Counter(reason for path in paths if (reason := rejection(path.read_bytes())) is not None)
    milliseconds = 1000 * (time.process_time() - started) / len(paths)
    rejected = reasons.total()
    fraction = proportion(rejected, len(paths))
    print(f"{rejected} of {len(paths)} radiographs rejected: {fraction.value:.2%} "
          f"[{fraction.low:.2%}, {fraction.high:.2%}], "
          f"{milliseconds:.1f} ms each, decoding included")  # fmt: skip
    print("The template was averaged from chest-xray-pneumonia: on its images, this is not an independent test.")
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
    return 0 if not math.isnan(fraction.value) and fraction.value <= MAX_REJECTED else 1


if __name__ == "__main__":
    sys.exit(main())
