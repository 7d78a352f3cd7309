"""A small data set of synthetic radiographs in the layouts that the built-in algorithm reads."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PIL import Image

from ml.dataset import recordio
from radiograph.phantom.dataset import write_dataset

IMAGES = 200
SIDE = 224
CLASSES = ("NORMAL", "PNEUMONIA")


def write(folder: Path) -> Path:
    """Write channels, lists and records below `folder` and return it; each fourth image of train is for validation."""
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "phantoms"
        write_dataset(source, IMAGES)
        train = ordered(source / "train")
        splits = {
            "train": [path for number, path in enumerate(train) if number % 4],
            "validation": train[::4],
            "test": ordered(source / "test"),
        }
        for split, paths in splits.items():
            write_split(folder, split, paths)
    return folder


def ordered(folder: Path) -> list[Path]:
    """Return the images of a folder by name, which mixes the classes: the names hold shuffled numbers."""
    return sorted(folder.glob("*/*.jpeg"), key=lambda path: path.name)


def write_split(folder: Path, split: str, paths: list[Path]) -> None:
    """Write a split's images, its list and its record file."""
    lines, labelled = [], []
    for number, path in enumerate(paths):
        label = CLASSES.index(path.parent.name)
        target = folder / split / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            image.convert("RGB").resize((SIDE, SIDE)).save(target, "JPEG", quality=95)
        lines.append(f"{number}\t{label}\t{target.relative_to(folder / split)}")
        labelled.append((label, target))
    lists = folder / f"{split}_lst"
    lists.mkdir()
    (lists / f"{split}.lst").write_text("\n".join(lines) + "\n", encoding="utf-8")
    recordio.write(labelled, folder / f"{split}_rec" / f"{split}.rec")
    (folder / f"{split}_rec" / f"{split}.idx").unlink()
