"""`.lst` files: `index<TAB>label<TAB>relative path`, no header (Image Classification, developer guide)."""

from collections.abc import Iterable

Example = tuple[int, str]
"""Label, and path relative to the channel's prefix."""


def list_text(examples: Iterable[Example]) -> str:
    """Return a list, one line an example, in the order given. The same examples give the same bytes."""
    return "".join(f"{index}\t{label}\t{path}\n" for index, (label, path) in enumerate(examples))
