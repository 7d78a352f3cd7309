"""`.lst` files: index, label and relative path, separated by tabs."""

from dataclasses import dataclass
from pathlib import Path

from localaws.image_classification.errors import ClientError


@dataclass(frozen=True)
class Example:
    """One line of a list: an image below the channel's folder, and its class."""

    path: Path
    label: int


def read_channel(root: Path, channel: str, num_classes: int) -> list[Example]:
    """Read the one `.lst` of channel `<channel>_lst` and find its images in channel `<channel>`.

    Raises:
        ClientError: no list or several, a malformed line, a label out of range, or a missing image.
    """
    images, folder = root / "input/data" / channel, root / "input/data" / f"{channel}_lst"
    lists = sorted(folder.rglob("*.lst"))
    if not images.is_dir() or not folder.is_dir():
        missing = channel if not images.is_dir() else f"{channel}_lst"
        raise ClientError(
            f"ClientError: Unable to initialize the algorithm. Channel '{missing}' is missing; "
            "image files need the channels train, validation, train_lst and validation_lst."
        )
    if len(lists) != 1:
        raise ClientError(f"Customer Error: Expected one .lst file in the {channel}_lst channel, found {len(lists)}.")
    # An undecodable byte becomes a character that no file name has; the error then names its line.
    lines = lists[0].read_text(encoding="utf-8", errors="replace").splitlines()
    return [parse_line(line, number, images, channel, num_classes) for number, line in enumerate(lines, 1) if line]


def parse_line(line: str, number: int, images: Path, channel: str, num_classes: int) -> Example:
    """Parse one line.

    Raises:
        ClientError: the line is malformed, its label is out of range, or its image does not exist.
    """
    parts = line.split("\t")
    try:
        index, label, relative = int(parts[0]), float(parts[1]), parts[2]
        well_formed = len(parts) == 3 and label == int(label) and index >= 0 and is_below(relative)
    except (ValueError, OverflowError, IndexError):
        well_formed = False
    if not well_formed:
        raise ClientError(
            f"Customer Error: Invalid lst file in the {channel} channel. Line {number} is {line[:80]!r}; expected "
            "index, label and relative path separated by tabs."
        )
    if not 0 <= label < num_classes:
        raise ClientError(
            f"Customer Error: Line {number} of the {channel} list has label {int(label)}; num_classes={num_classes} "
            f"allows 0 to {num_classes - 1}."
        )
    path = images / relative
    if not path.is_file():
        raise ClientError(f"Customer Error: The {channel} list names {relative} (line {number}), which does not exist.")
    return Example(path, int(label))


def is_below(relative: str) -> bool:
    """Return whether a path stays within the folder it is relative to."""
    return not relative.startswith("/") and ".." not in relative.split("/")
