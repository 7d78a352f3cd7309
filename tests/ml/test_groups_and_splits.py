"""Nobody is in two splits, and the same films always fall the same way."""

from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ml.dataset import groups, split
from ml.dataset.film import Encoding, Film
from ml.dataset.patients import patient_of
from ml.errors import UserError

STORED = Encoding(1000, 90, 80, "L", 330)


def film(name: str, label: int, patient: str, pixels: str | None = None, part: str | None = "train") -> Film:
    return Film(Path(f"/source/{name}"), label, part, name, "", patient, pixels or f"pixels of {name}", 900, STORED)


@st.composite
def collections(draw: st.DrawFn) -> list[Film]:
    """Patients of one to five films each; some films are copies of others of their class."""
    films: list[Film] = []
    for patient in range(draw(st.integers(30, 60))):
        label = draw(st.integers(0, 1))
        for number in range(draw(st.sampled_from([1, 1, 1, 2, 3, 5]))):
            twins = [one.pixels for one in films if one.label == label]
            copy = draw(st.sampled_from(twins)) if twins and draw(st.integers(0, 9)) == 0 else None
            films.append(film(f"p{patient}-{number}.jpg", label, f"p{patient}", copy, None))
    return films


@settings(max_examples=60, deadline=None)
@given(collections(), st.integers(0, 5), st.sampled_from([4, 8]))
def test_no_patient_and_no_picture_in_two_splits(films: list[Film], seed: int, batch: int) -> None:
    grouped, dropped = groups.group(films)
    try:
        found = split.split(grouped, 0.2, 0.2, batch, seed)
    except UserError:
        assume(False)  # whole patients cannot fill that size: refused, which another test shows
    assert (groups.shared(found.values()).patients, groups.shared(found.values()).pictures) == (0, 0)
    assert len(found["validation"]) % batch == 0
    assert sum(map(len, found.values())) + len(dropped) == len(films)
    assert {one.pixels for part in found.values() for one in part} == {one.pixels for one in films}
    assert split.split(grouped, 0.2, 0.2, batch, seed) == found


def test_another_seed_gives_another_validation_set() -> None:
    films = [film(f"p{n}.jpg", n % 2, f"p{n}") for n in range(80)] + [film("t.jpg", 0, "t", part="test")]
    grouped, _ = groups.group(films)
    assert split.split(grouped, 0.2, 0.2, 8, 0)["validation"] != split.split(grouped, 0.2, 0.2, 8, 1)["validation"]


def test_both_splits_keep_the_classes_shares() -> None:
    films = [film(f"p{n}.jpg", int(n % 4 > 0), f"p{n}") for n in range(160)] + [film("t.jpg", 0, "t", part="test")]
    found = split.split(groups.group(films)[0], 0.2, 0.2, 32, 0)
    assert sum(one.label for one in found["validation"]) == 24


def test_patients_who_share_a_picture_are_one_group() -> None:
    films = [film("a.jpg", 0, "a", "same"), film("b.jpg", 0, "b", "same"), film("b2.jpg", 0, "b")]
    grouped, dropped = groups.group(films)
    assert [{one.name for one in group.films} for group in grouped] == [{"a.jpg", "b2.jpg"}]
    assert [one.name for one in dropped] == ["b.jpg"]


def test_one_picture_with_two_labels_is_refused_by_name() -> None:
    with pytest.raises(UserError, match=r"a\.jpg \(NORMAL\) and .*b\.jpg \(PNEUMONIA\) are the same picture"):
        groups.group([film("a.jpg", 0, "a", "same"), film("b.jpg", 1, "b", "same")])


def test_a_given_test_set_keeps_every_film() -> None:
    films = [film("a.jpg", 0, "a", "same", "test"), film("b.jpg", 0, "b", "same", "test")]
    grouped, dropped = groups.group(films)
    assert sum(len(group.films) for group in grouped) == 2
    assert dropped == []


def test_a_patient_on_both_sides_of_a_given_test_set_is_refused() -> None:
    films = [film("a.jpg", 0, "a"), film("a2.jpg", 0, "a", part="test"), film("b.jpg", 1, "b")]
    with pytest.raises(UserError, match="films in the test folder and outside it"):
        split.split(groups.group(films)[0], 0.2, 0.2, 1, 0)


def test_too_few_films_are_refused_with_what_to_do() -> None:
    films = [film(f"p{n}.jpg", n % 2, f"p{n}") for n in range(20)]
    with pytest.raises(UserError, match="lower --batch-size"):
        split.split(groups.group(films)[0], 0.2, 0.2, 32, 0)


@pytest.mark.parametrize(
    ("stem", "key", "kind"),
    [
        ("IM-0115-0001", "im-115", "im"),
        ("NORMAL2-IM-0115-0001-0002", "normal2-115", "normal2"),
        ("person447_virus_921_1", "virus-447", "virus"),
        ("person447_bacteria_1", "bacteria-447", "bacteria"),
        ("BACTERIA-1135262-0001", "mendeley-bacteria-1135262", "bacteria"),
        ("phantom00012-2", "phantom-12", "phantom"),
        ("scan of monday", "file-scan of monday", ""),
    ],
)
def test_the_patient_is_kind_and_number(stem: str, key: str, kind: str) -> None:
    assert patient_of(stem)[:2] == (key, kind)
