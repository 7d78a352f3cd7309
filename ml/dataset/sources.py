"""Where radiographs come from: a folder in Kaggle's layout, a folder of class folders, or phantoms."""

from pathlib import Path

from ml.console import Progress
from ml.dataset.film import CLASSES, Found
from ml.errors import UserError

IGNORED = {".ds_store", "thumbs.db", "dataset.json"}
SPLITS = {"train": "train", "val": "train", "validation": "train", "test": "test"}
"""Kaggle's 16-image val folder is a tail of its train folder: too small to choose anything by, so it joins train."""
PHANTOMS = 600


def phantom(folder: Path, seed: int) -> list[Found]:
    """Draw synthetic films into `folder` (kept when they are there already) and return them."""
    from radiograph.phantom import write_dataset

    progress = Progress("Drawing phantoms", PHANTOMS)
    write_dataset(folder, PHANTOMS, seed, lambda done, total: progress.advance(done - progress.done))
    progress.finish()
    return scan(folder)


def scan(folder: Path) -> list[Found]:
    """Return the files below a folder, by path: train/val/test folders of class folders, or class folders alone.

    Raises:
        UserError: the folder is missing, or has neither layout, or a class has no file.
    """
    if not folder.is_dir():
        raise UserError(f"--source {folder} is not a folder; give a folder of radiographs, or `phantom`.", code=2)
    parts = subfolders(folder)
    if set(parts) & set(SPLITS):
        found = [film for name, part in sorted(parts.items()) if name in SPLITS for film in classes(part, SPLITS[name])]
    else:
        found = classes(folder, None)
    for label, name in enumerate(CLASSES):
        if not any(film.label == label for film in found):
            raise UserError(f"{folder} holds no file of class {name}; it needs files of NORMAL and of PNEUMONIA.", 2)
    return found


def classes(folder: Path, split: str | None) -> list[Found]:
    """Return the files of the class folders in `folder`.

    Raises:
        UserError: a folder is named for no known class.
    """
    labels = {name.lower(): label for label, name in enumerate(CLASSES)}
    unknown = [name for name in subfolders(folder) if name not in labels]
    if unknown or not subfolders(folder):
        seen = ", ".join(sorted(unknown)) or "no folder"
        raise UserError(
            f"{folder} holds {seen}; expected the folders NORMAL and PNEUMONIA (in any case), or train and test "
            "folders that hold them.",
            code=2,
        )
    return [
        Found(path, labels[name], split)
        for name, part in sorted(subfolders(folder).items())
        for path in sorted(part.rglob("*"))
        if (path.is_file() or path.is_symlink()) and path.name.lower() not in IGNORED
    ]


def subfolders(folder: Path) -> dict[str, Path]:
    """Return the visible folders in `folder` by lower-case name."""
    return {path.name.lower(): path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")}
