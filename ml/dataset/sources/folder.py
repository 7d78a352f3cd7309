"""A folder in Kaggle's layout (train, val and test), or a folder of class folders."""

from collections.abc import Iterator
from pathlib import Path

from ml.dataset.film import CLASSES, Found
from ml.errors import UserError

IGNORED = {"thumbs.db", "desktop.ini", "__macosx"}
"""What operating systems leave in folders; names that begin with a dot are left alone too."""
SPLITS = {"train": "train", "val": "train", "validation": "train", "test": "test"}
"""Kaggle's 16-image val folder is a tail of its train folder: too small to choose anything by, so it joins train."""


def scan(folder: Path) -> list[Found]:
    """Return the files below a folder, by path: train/val/test folders of class folders, or class folders alone.

    Raises:
        UserError: the folder is missing, or has neither layout, or a class has no file.
    """
    parts = subfolders(folder)
    if set(parts) & set(SPLITS):
        found = [film for name, part in sorted(parts.items()) if name in SPLITS for film in classes(part, SPLITS[name])]
    else:
        found = classes(folder, None)
    require_both_classes(found, folder)
    return found


def require_both_classes(found: list[Found], origin: Path) -> None:
    """Check that there is something to tell apart.

    Raises:
        UserError: a class has no file.
    """
    for label, name in enumerate(CLASSES):
        if not any(film.label == label for film in found):
            raise UserError(f"{origin} holds no film of class {name}; it needs films of NORMAL and of PNEUMONIA.", 2)


def classes(folder: Path, split: str | None) -> list[Found]:
    """Return the files of the class folders in `folder`.

    Raises:
        UserError: a folder is named for no known class.
    """
    labels = {name.lower(): label for label, name in enumerate(CLASSES)}
    unknown = [name for name in subfolders(folder) if name not in labels]
    if unknown or not subfolders(folder):
        seen = "the folders " + ", ".join(sorted(unknown)) if unknown else "no folder"
        raise UserError(
            f"{folder} holds {seen}; expected the folders NORMAL and PNEUMONIA (in any case), or train and test "
            "folders that hold them.",
            code=2,
        )
    parts = sorted(subfolders(folder).items())
    return [Found(path, labels[name], split) for name, part in parts for path in files(part)]


def files(folder: Path) -> Iterator[Path]:
    """Yield what lies below a folder, by path: files, and links that lead nowhere, so that they are reported."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.lower() in IGNORED:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from files(path)
        elif not path.is_dir():
            yield path


def subfolders(folder: Path) -> dict[str, Path]:
    """Return the visible folders in `folder` by lower-case name."""
    return {
        path.name.lower(): path
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.name.lower() not in IGNORED
    }
