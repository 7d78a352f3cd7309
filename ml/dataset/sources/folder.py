"""A folder in Kaggle's layout (train, val and test), or a folder of class folders."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from ml.dataset.radiographs import CLASSES, OUTSIDE, Offer, Reject, SourceFile
from ml.dataset.sources.delimited import key_of
from ml.dataset.sources.findings import DEFAULT, Findings
from ml.dataset.sources.listing import Listing, innermost
from ml.errors import UserError

SPLITS = {"train": "train", "training": "train", "val": "train", "valid": "train", "validation": "train",
          "validate": "train", "dev": "train", "test": "test", "testing": "test"}  # fmt: skip
"""Kaggle's val folder (16 images) is too small to choose a threshold on, so it joins train."""
LABELS = {name.lower(): label for label, name in enumerate(CLASSES)} | {"0": 0, "1": 1}


def labels_of(findings: Findings) -> Mapping[str, int]:
    """Return the label of each class folder, by its key; NORMAL is negative unless another finding is given."""
    if not findings.given:
        return LABELS
    negative = (CLASSES[0], *findings.negative) if findings.negative == DEFAULT.negative else findings.negative
    return {key_of(name): 0 for name in negative} | {key_of(name): 1 for name in findings.positive}


def has_layout(listing: Listing, findings: Findings = DEFAULT) -> bool:
    """Return whether a folder, or a folder inside it, holds split folders or class folders, in any case."""
    names = {*SPLITS, *labels_of(findings)}
    return bool(tops(innermost(listing, names)) & names)


def tops(listing: Listing, depth: int = 0) -> set[str]:
    """Return the keys of the folders that hold files, at the top or some folders below it."""
    return {key_of(folders[depth]) for path in listing.files if len(folders := listing.folders_of(path)) > depth}


def levels(listing: Listing, labels: Mapping[str, int]) -> list[Mapping[str, int] | Mapping[str, str]]:
    """Return the allowed names of the folders at each level: classes, with splits around or inside them if any."""
    if tops(listing) & set(SPLITS):
        return [SPLITS, labels]
    inside: dict[str, set[str]] = {}
    for path in listing.files:
        folders = [*map(key_of, listing.folders_of(path)), ""]
        inside.setdefault(folders[0], set()).add(folders[1] if folders[0] else "")
    classes = [names for folder, names in inside.items() if folder in labels]
    return [labels, SPLITS] if classes and all(names & set(SPLITS) for names in classes) else [labels]


def scan(listing: Listing, findings: Findings = DEFAULT) -> Offer:
    """Return the files of the class folders, by path, with the split of their split folder if there are any.

    Split folders can be around the class folders or inside each of them, and both inside other folders, as in
    archives. Files elsewhere are left out; a folder with another name is one reject for all its files.

    Args:
        findings: the names of the class folders, if they are given.

    Raises:
        UserError: a folder has the name of no class, or a class has no file.
    """
    labels = labels_of(findings)
    listing = innermost(listing, {*SPLITS, *labels})
    layout = levels(listing, labels)
    images: list[SourceFile] = []
    rejects = list(listing.rejects)
    outside: Counter[tuple[Path, str]] = Counter()
    for path in listing.files:
        folders = listing.folders_of(path)
        for depth, allowed in enumerate(layout):
            names = ", ".join(SPLITS if allowed is SPLITS else CLASSES if labels is LABELS else labels)
            if len(folders) <= depth:
                rejects.append(Reject(path, OUTSIDE, f"it is in no folder with one of the names {names}"))
                break
            if key_of(folders[depth]) not in allowed:
                if allowed is LABELS:
                    refuse(listing, Path(*folders[:depth]), labels)
                outside[listing.folder / Path(*folders[: depth + 1]), f"the folder is not one of {names}"] += 1
                break
        else:
            keys = [*map(key_of, folders)]
            split = SPLITS[keys[layout.index(SPLITS)]] if SPLITS in layout else None
            images.append(SourceFile(path, labels[keys[layout.index(labels)]], split))
    rejects += [Reject(path, OUTSIDE, reason, files) for (path, reason), files in outside.items()]
    if not images and SPLITS not in layout:
        refuse(listing, Path(), labels)
    require_both_classes(images, listing.folder, rejects)
    return Offer(images, rejects, listing.ignored, listing.found)


def refuse(listing: Listing, part: Path, labels: Mapping[str, int]) -> None:
    """Refuse a source because folders in `part` of it have the name of no class.

    Raises:
        UserError: always.
    """
    depth = len(part.parts)
    names = {
        folders[depth]
        for path in listing.files
        if len(folders := listing.folders_of(path)) > depth and Path(*folders[:depth]) == part
    }
    unknown = sorted(name for name in names if key_of(name) not in labels)
    holding = f"the folders {', '.join(unknown)}" if unknown else "no folder"
    expected = "NORMAL and PNEUMONIA (in any case, or 0 and 1)" if labels is LABELS else ", ".join(labels)
    raise UserError(
        f"{listing.folder / part} holds {holding}; expected the folders {expected}, "
        "or train and test folders that hold them. Name other class folders with --positive and --negative, or a table "
        "of labels with --labels FILE.csv.",
        code=2,
    )


def require_both_classes(images: Collection[SourceFile], origin: Path, rejects: Sequence[Reject] = ()) -> None:
    """Check that both classes have files.

    Args:
        rejects: those that the message names.

    Raises:
        UserError: a class has no file.
    """
    for label, name in enumerate(CLASSES):
        if not any(image.label == label for image in images):
            left_out = "".join(f"\nLeft out {reject.path} ({reject.files:,} files): {reject.reason}"
                               for reject in rejects[:5])  # fmt: skip
            raise UserError(
                f"{origin} holds no image of class {name}; images of NORMAL and PNEUMONIA are required.{left_out}", 2
            )
