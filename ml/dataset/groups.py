"""Films that belong together: of one patient, or of patients who share a film."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ml.dataset.radiographs import CLASSES, Film
from ml.errors import UserError


@dataclass(frozen=True)
class Group:
    """Films that are never divided between splits: of one patient, of patients who share an identical film, or one film
    whose patient is unknown.

    Attributes:
        key: of the patient, the first of several; "/" and the film's name where it is unknown.
    """

    key: str
    films: tuple[Film, ...]

    def count(self, label: int) -> int:
        """Return how many films of a class it holds."""
        return sum(film.label == label for film in self.films)


def group(films: Sequence[Film]) -> tuple[list[Group], list[Film]]:
    """Group films by patient, uniting patients who share identical pixels; drop redundant copies.

    A film whose patient is unknown is a group of its own, unless it shares its pixels with others. Of identical films
    one stays, the first by (test before train, name); a given test set stays as it is, copies and all, so that its
    figures compare with other people's. Returns the groups by key, and the copies that were dropped.

    Raises:
        UserError: identical pixels carry both labels.
    """
    parent = {key_of(film): key_of(film) for film in films}

    def find(key: str) -> str:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    seen: dict[str, Film] = {}
    kept: list[Film] = []
    dropped: list[Film] = []
    for film in sorted(films, key=lambda one: (one.split != "test", one.name)):
        first = seen.setdefault(film.pixels, film)
        if first is film:
            kept.append(film)
            continue
        if first.label != film.label:
            raise UserError(
                f"{first.source} ({CLASSES[first.label]}) and {film.source} ({CLASSES[film.label]}) are the same "
                "picture with two labels. Remove the wrong one."
            )
        low, high = sorted((find(key_of(first)), find(key_of(film))), key=known_first)
        parent[high] = low
        (kept if film.split == "test" else dropped).append(film)
    members: dict[str, list[Film]] = {}
    for film in sorted(kept, key=lambda one: one.name):
        key = find(key_of(film))
        members.setdefault(key, []).append(replace(film, patient=None if unknown(key) else key))
    return [Group(key, tuple(found)) for key, found in sorted(members.items())], dropped


def key_of(film: Film) -> str:
    """Return the key under which a film is grouped: no patient's key begins with a slash."""
    return f"/{film.name}" if film.patient is None else film.patient


def unknown(key: str) -> bool:
    """Return whether a key stands for a film whose patient is unknown."""
    return key.startswith("/")


def known_first(key: str) -> tuple[bool, str]:
    """Order keys by name, those of patients first: who shares a picture with a known patient is that patient."""
    return unknown(key), key


@dataclass(frozen=True)
class Shared:
    """What more than one split has.

    Attributes:
        patients: number of patients; only the `known` of the `films` films could be compared.
        pictures: number of pixel hashes; all films are compared.
    """

    patients: int
    pictures: int
    known: int
    films: int


def shared(splits: Iterable[Sequence[Film]]) -> Shared:
    """Count the patients and the pixel hashes that occur in more than one split."""
    parts = list(splits)
    films = [film for part in parts for film in part]
    patients = Counter(key for part in parts for key in {film.patient for film in part} - {None})
    pixels = Counter(key for part in parts for key in {film.pixels for film in part})
    return Shared(
        sum(n > 1 for n in patients.values()),
        sum(n > 1 for n in pixels.values()),
        sum(film.patient is not None for film in films),
        len(films),
    )
