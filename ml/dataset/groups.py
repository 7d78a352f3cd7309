"""Films that belong together: of one patient, or of patients who share a film."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ml.dataset.film import CLASSES, Film
from ml.errors import UserError


@dataclass(frozen=True)
class Group:
    """All films of one patient (or of patients who share an identical film); never divided between splits."""

    key: str
    films: tuple[Film, ...]

    def count(self, label: int) -> int:
        """Return how many films of a class it holds."""
        return sum(film.label == label for film in self.films)


def group(films: Sequence[Film]) -> tuple[list[Group], list[Film]]:
    """Group films by patient, uniting patients who share identical pixels; drop redundant copies.

    Of identical films one stays, the first by (test before train, name); a given test set stays as it is, copies and
    all, so that its figures compare with other people's. Returns the groups by key, and the copies that were dropped.

    Raises:
        UserError: identical pixels carry both labels.
    """
    parent = {film.patient: film.patient for film in films}

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
        low, high = sorted((find(first.patient), find(film.patient)))
        parent[high] = low
        (kept if film.split == "test" else dropped).append(film)
    members: dict[str, list[Film]] = {}
    for film in sorted(kept, key=lambda one: one.name):
        key = find(film.patient)
        members.setdefault(key, []).append(replace(film, patient=key))
    return [Group(key, tuple(found)) for key, found in sorted(members.items())], dropped


def overlaps(splits: Iterable[Sequence[Film]]) -> tuple[int, int]:
    """Return how many patients, and how many pixel hashes, occur in more than one split."""
    patients: dict[str, int] = {}
    pixels: dict[str, int] = {}
    for films in splits:
        for key in {film.patient for film in films}:
            patients[key] = patients.get(key, 0) + 1
        for key in {film.pixels for film in films}:
            pixels[key] = pixels.get(key, 0) + 1
    return sum(n > 1 for n in patients.values()), sum(n > 1 for n in pixels.values())
