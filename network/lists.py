"""`.lst` files: index, label and relative path, separated by tabs."""

from dataclasses import dataclass
from pathlib import Path

from network.errors import InputError


@dataclass(frozen=True)
class Example:
    """One line of a list: an image below the channel's folder, and its class."""

    path: Path
    label: int


def read_list(images: Path, folder: Path, num_classes: int) -> list[Example]:
    """Read the one `.lst` of a folder and find its images below `images`.

    Raises:
        InputError: no list or several, a malformed line, a label out of range, or a missing image.
    """
    lists = sorted(folder.rglob("*.lst"))
    if len(lists) != 1:
        raise InputError(f"Expected one .lst file in the {folder.name} channel, found {len(lists)}.")
    # An undecodable byte becomes a character that no file name has; the error then names its line.
    lines = lists[0].read_text(encoding="utf-8", errors="replace").splitlines()
    return [parse_line(line, number, images, num_classes) for number, line in enumerate(lines, 1) if line]


def parse_line(line: str, number: int, images: Path, num_classes: int) -> Example:
    """Parse one line.

    Raises:
        InputError: the line is malformed, its label is out of range, or its image does not exist.
    """
    parts = line.split("\t")
    try:
        index, label, relative = int(parts[0]), float(parts[1]), parts[2]
        well_formed = len(parts) == 3 and label == int(label) and index >= 0 and is_below(relative)
    except (ValueError, OverflowError, IndexError):
        well_formed = False
    if not well_formed:
        raise InputError(
            f"Invalid lst file in the {images.name} channel. Line {number} is {line[:80]!r}; expected "
            "index, label and relative path separated by tabs."
        )
    if not 0 <= label < num_classes:
        raise InputError(
            f"Line {number} of the {images.name} list has label {int(label)}; num_classes={num_classes} "
            f"allows 0 to {num_classes - 1}."
        )
    path = images / relative
    if not path.is_file():
        raise InputError(f"The {images.name} list names {relative} (line {number}), which does not exist.")
    return Example(path, int(label))


def is_below(relative: str) -> bool:
    """Return whether a path stays within the folder it is relative to."""
    return not relative.startswith("/") and ".." not in relative.split("/")
