"""A folder in Kaggle's layout (train, val and test), or a folder of class folders."""

from collections import Counter
from pathlib import Path

from ml.dataset.radiographs import CLASSES, OUTSIDE, Offer, Reject, SourceFile
from ml.dataset.sources.listing import Listing, innermost
from ml.errors import UserError

SPLITS = {"train": "train", "val": "train", "valid": "train", "validation": "train", "validate": "train",
          "test": "test"}  # fmt: skip
"""Kaggle's val folder (16 images) is too small to choose a threshold on, so it joins train."""
LABELS = {name.lower(): label for label, name in enumerate(CLASSES)}


def has_layout(listing: Listing) -> bool:
    """Return whether a folder, or a folder inside it, holds split folders or class folders, in any case."""
    return bool(tops(innermost(listing, {*SPLITS, *LABELS})) & {*SPLITS, *LABELS})


def tops(listing: Listing) -> set[str]:
    """Return the lower-case names of the folders at the top that hold files."""
    return {folders[0].lower() for path in listing.files if (folders := listing.folders_of(path))}


def scan(listing: Listing) -> Offer:
    """Return the files of the class folders, by path, with the split of their split folder if there are any.

    The folders can be inside others, as in archives. Files elsewhere are left out; a folder with another name is one
    reject for all its files.

    Raises:
        UserError: a folder has the name of no class, or a class has no file.
    """
    listing = innermost(listing, {*SPLITS, *LABELS})
    split_layout = bool(tops(listing) & set(SPLITS))
    images: list[SourceFile] = []
    rejects = list(listing.rejects)
    outside: Counter[Path] = Counter()
    for path in listing.files:
        folders = listing.folders_of(path)
        split = SPLITS.get(folders[0].lower()) if folders and split_layout else None
        inner = folders[1:] if split else folders
        if folders and split_layout and split is None:
            outside[listing.folder / folders[0]] += 1
        elif not inner:
            rejects.append(Reject(path, OUTSIDE, f"it is in no folder {' or '.join(CLASSES)}"))
        elif inner[0].lower() in LABELS:
            images.append(SourceFile(path, LABELS[inner[0].lower()], split))
        else:
            refuse(listing, Path(*folders[: len(folders) - len(inner)]))
    reason = f"the folder is not one of {', '.join(SPLITS)}"
    rejects += [Reject(path, OUTSIDE, reason, files) for path, files in outside.items()]
    if not images and not split_layout:
        refuse(listing, Path())
    require_both_classes(images, listing.folder)
    return Offer(images, rejects, listing.ignored, listing.found)


def refuse(listing: Listing, part: Path) -> None:
    """Refuse a source because folders in `part` of it have the name of no class.

    Raises:
        UserError: always.
    """
    depth = len(part.parts)
    names = {
        folders[depth].lower()
        for path in listing.files
        if len(folders := listing.folders_of(path)) > depth and Path(*folders[:depth]) == part
    }
    unknown = sorted(names - set(LABELS))
    holding = f"the folders {', '.join(unknown)}" if unknown else "no folder"
    raise UserError(
        f"{listing.folder / part} holds {holding}; expected the folders NORMAL and PNEUMONIA (in any case), or train "
        "and test folders that hold them. If a table has the labels, name it with --labels FILE.csv.",
        code=2,
    )


def require_both_classes(images: list[SourceFile], origin: Path) -> None:
    """Check that both classes have files.

    Raises:
        UserError: a class has no file.
    """
    for label, name in enumerate(CLASSES):
        if not any(image.label == label for image in images):
            raise UserError(f"{origin} holds no image of class {name}; images of NORMAL and PNEUMONIA are required.", 2)
