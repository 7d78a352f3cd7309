"""Fit the score of the check for frontal radiographs, and measure the whole check by cross-validation.

    python -m benchmarks.frontal_check_fit --data chest_xray --data nih_sample --labels Data_Entry.csv --pictures FOLDER

Each --data folder is one population; all have the same weight. --pictures is a folder of photographs and drawings, one
file each; each is tried in six parts. Five folds keep the images of a patient and the parts of a picture together. A
model fitted on four folds judges the fifth: every figure is of images that the model has not seen. Classes come from
folders named NORMAL and PNEUMONIA, or from --labels. The exit code is 1 if more than 1 % of a population is rejected.
"""

from __future__ import annotations

import argparse
import csv
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from sklearn.linear_model import LogisticRegression

from benchmarks.frontal_check_refusals import MAX_REJECTED, parts, radiographs, share
from ml.dataset.patients import patient_of
from ml.dataset.radiographs import CLASSES
from ml.evaluation.statistics import proportion
from radiograph import SIDE, phantom, resize, standardise
from radiograph.frontal_check import centred_ranks, rejection_reason, without_margins
from radiograph.frontal_model import MODEL_SIDE, FrontalModel

FOLDS = 5
INVERSE_PENALTY = 0.1
Change = Callable[[Image.Image], Image.Image]


def framed(fraction: float, grey: int) -> Change:
    """Return a function that adds a margin to each edge, as a fraction of the side."""
    return lambda image: resize(ImageOps.expand(image, round(fraction * SIDE), grey))


def tilted(degrees: float) -> Change:
    return lambda image: image.rotate(degrees, Image.Resampling.BILINEAR)


def cropped(left: float, upper: float, right: float, lower: float) -> Change:
    return lambda image: resize(
        image.crop((round(SIDE * left), round(SIDE * upper), round(SIDE * right), round(SIDE * lower)))
    )


MARGINS: dict[str, Change] = {
    "as it is": lambda image: image,
    "white margin of 5 %": framed(0.05, 255),
    "black margin of 20 %": framed(0.2, 0),
}
POSITIVE: dict[str, Change] = {
    **MARGINS,
    "cropped by 10 %": cropped(0.1, 0.1, 0.9, 0.9),
    "cropped below": cropped(0, 0, 1, 0.85),
    "tilted left": tilted(7),
    "tilted right": tilted(-7),
}
WRONG: dict[str, Change] = {
    "inverted": ImageOps.invert,
    "turned by 90 degrees": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "turned by 180 degrees": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "turned by 270 degrees": lambda image: image.transpose(Image.Transpose.ROTATE_270),
}


@dataclass(frozen=True)
class Sample:
    """A standardised image; `population` is -1 for pictures, `label` is None if unknown."""

    image: Image.Image
    fold: int
    population: int
    label: int | None = None


def fold_of(key: str) -> int:
    return zlib.crc32(key.encode()) % FOLDS


def population(folder: Path, number: int, labels: dict[str, int]) -> Iterator[Sample]:
    """Yield the radiographs of a folder; those of one patient are in one fold."""
    for path in radiographs(folder):
        parent = path.parent.name.upper()
        label = CLASSES.index(parent) if parent in CLASSES else labels.get(path.name)
        patient = patient_of(path, label or 0)
        key = patient.key if patient else path.name
        yield Sample(standardise(path.read_bytes(), max_bytes=None), fold_of(key), number, label)


def pictures(folder: Path) -> Iterator[Sample]:
    """Yield the grey parts of every picture of a folder."""
    for path in radiographs(folder):
        for part in parts(path):
            yield Sample(resize(part.convert("L")), fold_of(path.stem), -1)


def features(image: Image.Image) -> NDArray[np.float32]:
    """Return the ranks of `radiograph.frontal_check` in -1..1, each added to that of its mirror image: 16 x 8 values.

    The score then does not depend on the side of the heart.
    """
    small = without_margins(image).resize((MODEL_SIDE, MODEL_SIDE), Image.Resampling.BOX)
    ranks = np.array(centred_ranks(small), np.float32)[np.asarray(small)] / MODEL_SIDE**2
    return np.asarray((ranks + ranks[:, ::-1])[:, : MODEL_SIDE // 2].ravel())


def training_set(samples: list[Sample]) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64], int, float]]:
    """Yield the features, folds, target and total weight of each kind of image."""
    numbers = sorted({sample.population for sample in samples} - {-1})
    for number in [*numbers, -1]:
        chosen = [sample for sample in samples if sample.population == number]
        folds = np.array([sample.fold for sample in chosen])
        upright = {"as it is": MARGINS["as it is"]}
        kinds = [(POSITIVE, 1, 1 / len(numbers)), (WRONG, 0, 0.8 / len(numbers))] if number >= 0 else [
            ({**upright, **WRONG}, 0, 0.6)]  # fmt: skip
        for changes, target, weight in kinds:
            for change in changes.values():
                stacked = np.stack([features(change(sample.image)) for sample in chosen])
                yield stacked, folds, target, weight / len(changes)


def fit(kinds: list[tuple[NDArray[np.float32], NDArray[np.int64], int, float]], left_out: int | None) -> FrontalModel:
    """Return the model fitted on all folds but one."""
    rows, targets, weights = [], [], []
    for values, folds, target, weight in kinds:
        used = values[folds != left_out]
        rows.append(used)
        targets.append(np.full(len(used), target))
        weights.append(np.full(len(used), 1000 * weight / len(used)))
    logistic = LogisticRegression(C=INVERSE_PENALTY, max_iter=500)
    logistic.fit(np.concatenate(rows), np.concatenate(targets), sample_weight=np.concatenate(weights))
    half = logistic.coef_.reshape(MODEL_SIDE, MODEL_SIDE // 2)
    whole = np.concatenate([half, half[:, ::-1]], axis=1).ravel()
    step = float(np.abs(whole).max()) / 127
    bias = float(logistic.intercept_[0])
    return FrontalModel(tuple(round(float(value) / step) for value in whole), step / MODEL_SIDE**2, bias)


def judge(samples: list[Sample], models: list[FrontalModel], change: Change) -> list[str | None]:
    """Return why each image is rejected, by the model that has not seen it."""
    return [rejection_reason(change(sample.image), model=models[sample.fold]) for sample in samples]


def difference(first: tuple[int, int], second: tuple[int, int]) -> str:
    """Return the difference of two proportions with Newcombe's 95 % interval (Statistics in Medicine, 1998)."""
    a, b = proportion(*first), proportion(*second)
    value = a.value - b.value
    low = value - float(np.hypot(a.value - a.low, b.high - b.value))
    high = value + float(np.hypot(a.high - a.value, b.value - b.low))
    return f"{100 * value:+.2f} points [{100 * low:+.2f}, {100 * high:+.2f}]"


def report_population(name: str, samples: list[Sample], models: list[FrontalModel]) -> bool:
    """Print the held-out results of one population; return whether at most 1 % is rejected."""
    print(f"\n{name}: {len(samples)} radiographs")
    for kind, change in MARGINS.items():
        reasons = judge(samples, models, change)
        print(f"  rejected, {kind}: {share(sum(map(bool, reasons)), len(reasons))}")
        if kind == "as it is":
            plain = reasons
    for reason, count in Counter(filter(None, plain)).most_common():
        print(f"    {count:4} {reason}")
    counts = {}
    for label, class_name in enumerate(CLASSES):
        mine = [reason is not None for sample, reason in zip(samples, plain, strict=True) if sample.label == label]
        counts[label] = (sum(mine), len(mine))
        print(f"  rejected, {class_name}: {share(*counts[label])}")
    if all(n for _, n in counts.values()):
        print(f"  {CLASSES[1]} minus {CLASSES[0]}: {difference(counts[1], counts[0])}")
    for kind, change in WRONG.items():
        reasons = judge(samples, models, change)
        reason, count = Counter(filter(None, reasons)).most_common(1)[0]
        print(f"  stopped, {kind}: {share(sum(map(bool, reasons)), len(reasons))}; {count} times: {reason}")
    return sum(map(bool, plain)) <= MAX_REJECTED * len(plain)


def report(names: list[str], samples: list[Sample], models: list[FrontalModel]) -> bool:
    """Print the held-out results; return whether at most 1 % of each population is rejected."""
    passed = True
    for number, name in enumerate(names):
        passed &= report_population(name, [sample for sample in samples if sample.population == number], models)
    parts = [sample for sample in samples if sample.population == -1]
    if parts:
        reasons = judge(parts, models, MARGINS["as it is"])
        print(f"\ngrey parts of pictures stopped: {share(sum(map(bool, reasons)), len(parts))}")
        for reason, count in Counter(filter(None, reasons)).most_common():
            print(f"    {count:4} {reason}")
    drawn = [resize(phantom.draw(seed, seed % 2 == 0)) for seed in range(100)]
    rejected = sum(any(rejection_reason(image, model=model) for model in models) for image in drawn)
    print(f"phantoms rejected by any model: {share(rejected, len(drawn))}")
    return passed


def read_labels(path: Path) -> dict[str, int]:
    """Return 1 for images with Pneumonia and 0 for those with No Finding, by file name; others are left out."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        findings = {row["Image Index"]: row["Finding Labels"].split("|") for row in csv.DictReader(file)}
    return {
        name: int("Pneumonia" in names)
        for name, names in findings.items()
        if "Pneumonia" in names or names == ["No Finding"]
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, action="append", help="a folder of chest radiographs")
    parser.add_argument("--pictures", type=Path, required=True, help="a folder of photographs and drawings")
    parser.add_argument("--labels", type=Path, help="a table in the layout of NIH ChestX-ray14")
    parser.add_argument(
        "--print",
        action="store_true",
        help="also print the coefficients fitted on everything",
    )
    options = parser.parse_args()
    for folder in [*options.data, options.pictures]:
        if not radiographs(folder):
            parser.error(f"{folder} contains no JPEG, PNG or WebP file.")
    labels = read_labels(options.labels) if options.labels else {}
    samples = [sample for number, folder in enumerate(options.data) for sample in population(folder, number, labels)]
    samples += pictures(options.pictures)
    kinds = list(training_set(samples))
    passed = report([str(folder) for folder in options.data], samples, [fit(kinds, fold) for fold in range(FOLDS)])
    if options.print:
        model = fit(kinds, None)
        text = "".join(f"{weight & 255:02x}" for weight in model.weights)
        print(*(text[start : start + 64] for start in range(0, len(text), 64)), sep="\n")
        print(f"scale {model.scale:.4g}, bias {model.bias:.4g}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
