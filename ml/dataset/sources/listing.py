"""List every file below a folder once, and recognise by name those that are not images."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ml.dataset.radiographs import OUTSIDE, Reject
from ml.dataset.sources.delimited import key_of

FILE, IGNORED, LOOP = "file", "ignored", "loop"
IGNORED_NAMES = {
    "thumbs.db",
    "desktop.ini",
    "__macosx",
    "@eadir",
    "$recycle.bin",
    "system volume information",
    "dicomdir",
}
"""Files of operating systems, and the index of DICOM media. Names that begin with a dot are ignored too."""


@dataclass(frozen=True)
class Listing:
    """The files below a folder.

    Attributes:
        files: sorted by path, with broken links, which reading reports.
        rejects: links to a folder above them.
        ignored: number of files ignored by name.
        folders: all folders, without links; empty for a prefix in S3.
    """

    folder: Path
    files: list[Path]
    rejects: list[Reject]
    ignored: int
    folders: frozenset[Path] = frozenset()

    @property
    def found(self) -> int:
        """Number of entries that are not folders."""
        return len(self.files) + len(self.rejects) + self.ignored

    def folders_of(self, path: Path) -> tuple[str, ...]:
        """Return the folders between the listing's folder and a file."""
        return path.relative_to(self.folder).parts[:-1]


def innermost(listing: Listing, names: Collection[str]) -> Listing:
    """Return the listing of the folder that holds a folder of one of `names`, for archives with folders around it.

    Files outside that folder are rejects. A listing with no such folder, or with several folders, is returned as it is.
    """
    folder = listing.folder
    while True:
        tops = {path.relative_to(folder).parts[0] for path in listing.files if folder in path.parent.parents}
        if any(key_of(top) in names for top in tops):
            break
        if len(tops) != 1:
            return listing
        folder /= tops.pop()
    files = [path for path in listing.files if folder in path.parents]
    outside = [Reject(path, OUTSIDE, f"it is not in {folder}") for path in listing.files if folder not in path.parents]
    return replace(listing, folder=folder, files=files, rejects=[*listing.rejects, *outside])


def list_files(folder: Path) -> Listing:
    """Return the files below a folder; linked folders are followed."""
    folders: set[Path] = set()
    entries = list(walk(folder, frozenset(), folders))
    rejects = [Reject(path, OUTSIDE, "it links to a folder above it") for path, kind in entries if kind == LOOP]
    files = [path for path, kind in entries if kind == FILE]
    return Listing(folder, files, rejects, len(entries) - len(files) - len(rejects), frozenset(folders))


def walk(folder: Path, above: frozenset[Path], folders: set[Path]) -> Iterator[tuple[Path, str]]:
    """Yield each entry below `folder` that is not a folder, as FILE, IGNORED by name, or LOOP.

    A LOOP is a link to a folder above it. `above` contains the folders above `folder`; all are added to `folders`.
    """
    above |= {folder.resolve()}
    folders |= above
    for path in sorted(folder.iterdir()):
        if is_ignored(path.name):
            yield from ((inside, IGNORED) for inside in below(path))
        elif not path.is_dir():
            yield path, FILE
        elif loops(path.resolve(), above):
            yield path, LOOP
        else:
            yield from walk(path, above, folders)


def is_ignored(name: str) -> bool:
    """Return whether files or folders of a name are no images."""
    return name.startswith(".") or name.lower() in IGNORED_NAMES or name.endswith(":Zone.Identifier")


def loops(target: Path, above: frozenset[Path]) -> bool:
    """Return whether a folder is one of `above` or contains one of them."""
    return any(target == folder or target in folder.parents for folder in above)


def below(path: Path) -> list[Path]:
    """Return a file, or the files below a folder; links are not followed."""
    if path.is_symlink() or not path.is_dir():
        return [path]
    return [Path(top) / name for top, _, names in os.walk(path) for name in names]
