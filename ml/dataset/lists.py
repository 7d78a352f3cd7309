"""`.lst` files: `index<TAB>label<TAB>relative path`, no header (Image Classification, developer guide)."""

from collections.abc import Sequence

from ml.dataset.film import CLASSES, Film


def list_text(films: Sequence[Film]) -> str:
    """Return the list of a split; paths are relative to the split's prefix. The same films give the same bytes."""
    return "".join(f"{index}\t{film.label}\t{CLASSES[film.label]}/{film.name}\n" for index, film in enumerate(films))


def parse_list(text: str) -> list[tuple[int, int, str]]:
    """Return (index, label, path) of each line.

    Raises:
        ValueError: a line is not of that form.
    """
    lines = []
    for line in text.splitlines():
        index, label, path = line.split("\t")
        lines.append((int(index), int(label), path))
    return lines
