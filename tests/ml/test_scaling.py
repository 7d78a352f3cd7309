"""Preparation and scoring need at most O(n log n) steps for n images, counted in calls."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from ml.dataset import groups, layout, standardising, version
from ml.dataset import split as splitting
from ml.dataset.patients import collection_of
from ml.dataset.radiographs import Radiograph, SourceFile
from ml.scoring import output_files, unlabelled

from .dataset_builders import radiograph
from .scoring_builders import ENTRY


class Key(str):
    """A text whose hashing and comparing are calls that can be counted."""

    def __hash__(self) -> int:
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)


def radiographs(n: int) -> list[Radiograph]:
    return [
        radiograph(
            Key(f"{number}.jpg"), number % 2, Key(f"p{number}"), Key(f"{number}"), "train" if number % 5 else "test"
        )
        for number in range(n)
    ]


def group(n: int) -> None:
    assert len(groups.group(radiographs(n))[0]) == n


def split(n: int) -> None:
    parts = [groups.Group(image.patient or "", (image,)) for image in radiographs(n)]
    assert sum(map(len, splitting.split(parts, 0.125, 0.2, 4, 0).values())) == n


def describe(n: int) -> None:
    splits = {"train": radiographs(n), "validation": [], "test": []}
    layout.lay_out(splits, 0, True, 0, Path("work"))
    version.describe("images", splits, {}, 1, None)


def offered(n: int) -> list[SourceFile]:
    return [SourceFile(Path(f"NORMAL/{number % 7}.jpg"), 0, None, name=Key(f"a{number % 7}")) for number in range(n)]


def names(n: int) -> None:
    assert len(set(standardising.unique_names(offered(n)))) == n
    collection_of(offered(n))


def scores(n: int) -> None:
    files = [Key(f"{number}.jpg") for number in range(n)]
    outputs = {Key(f"a/b/{file}.out"): "[0.5, 0.5]" for file in files}
    assert output_files.match(files, outputs, "s3://images/a/b/")[1] == []
    unlabelled.table(dict.fromkeys(files, 0.5), {}, ENTRY)


def calls(function: Callable[[int], None], n: int) -> int:
    """Return how many calls a function makes for n images."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function(n)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("function", [group, split, describe, names, scores])
def test_twice_the_images_need_about_twice_the_steps(function: Callable[[int], None]) -> None:
    function(40)  # imports and caches
    assert calls(function, 1600) < 2.4 * calls(function, 800)
