"""Nobody is in two splits, and the same images always fall the same way."""

import random
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ml.dataset import groups, split
from ml.dataset.patients import patient_of
from ml.dataset.radiographs import CLASSES, Radiograph
from ml.dataset.sources import open_source
from ml.errors import UserError

from .conftest import write_image
from .dataset_builders import radiograph


@st.composite
def collections(draw: st.DrawFn) -> list[Radiograph]:
    """Patients of one to five images each; some images are copies of others of their class."""
    images: list[Radiograph] = []
    for patient in range(draw(st.integers(30, 60))):
        label = draw(st.integers(0, 1))
        for number in range(draw(st.sampled_from([1, 1, 1, 2, 3, 5]))):
            twins = [image.pixels for image in images if image.label == label]
            copy = draw(st.sampled_from(twins)) if twins and draw(st.integers(0, 9)) == 0 else None
            images.append(radiograph(f"p{patient}-{number}.jpg", label, f"p{patient}", copy, None))
    return images


@settings(max_examples=60, deadline=None)
@given(collections(), st.integers(0, 5), st.sampled_from([4, 8]))
def test_no_patient_and_no_picture_in_two_splits(images: list[Radiograph], seed: int, batch: int) -> None:
    grouped, dropped = groups.group(images)
    assume(min(sum(group.count(label) > 0 for group in grouped) for label in (0, 1)) >= 10)
    splits = split.split(grouped, 0.2, 0.2, batch, seed)
    assert (groups.shared(splits.values()).patients, groups.shared(splits.values()).pictures) == (0, 0)
    assert len(splits["validation"]) % batch == 0
    surplus = split.surplus(grouped, splits)
    assert sum(map(len, splits.values())) + len(surplus) + len(dropped) == len(images)
    used = [image for part in (*splits.values(), surplus) for image in part]
    assert {image.pixels for image in used} == {image.pixels for image in images}
    assert split.split(grouped, 0.2, 0.2, batch, seed) == splits


@pytest.mark.parametrize("sizes", [[2], [3], [2, 4], [1, 1, 2, 3, 5], [5, 9, 13]])
@pytest.mark.parametrize("seed", range(6))
def test_patients_of_any_size_are_split_with_few_images_left_over(sizes: list[int], seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 (a repeatable draw, not a secret)
    images = []
    for patient in range(draw.randint(150, 170)):
        label = draw.randint(0, 1)
        images += [
            radiograph(f"p{patient}-{n}.jpg", label, f"p{patient}", None, None) for n in range(draw.choice(sizes))
        ]
    grouped, _ = groups.group(images)
    splits = split.split(grouped, 0.125, 0.2, 32, seed)
    assert groups.shared(splits.values()).patients == 0
    assert len(splits["validation"]) == max(1, round(0.125 * (len(images) - len(splits["test"])) / 32)) * 32
    assert abs(len(splits["test"]) - 0.2 * len(images)) <= max(sizes) / 2 + 0.5
    assert len(split.surplus(grouped, splits)) <= 2 * (max(sizes) - 1)


def test_images_of_one_patient_are_refused() -> None:
    images = [radiograph(f"{n}.jpg", n % 2, "dicom-1", None, None) for n in range(48)]
    with pytest.raises(UserError, match=r"48 images are of one patient.*ANONYMIZED.*patient_id"):
        split.split(groups.group(images)[0], 0.125, 0.2, 8, 0)


@pytest.mark.parametrize("patients", [{0: 1, 1: 9}, {0: 9, 1: 2}, {0: 2, 1: 2}])
def test_a_class_with_fewer_patients_than_splits_is_refused_with_their_number(patients: dict[int, int]) -> None:
    images = [
        radiograph(f"{label}-{n}.jpg", label, f"p{label}-{n % patients[label]}", None, None)
        for label in (0, 1)
        for n in range(48)
    ]
    label = min(patients, key=lambda label: patients[label])
    with pytest.raises(UserError, match=f"{CLASSES[label]} .* {patients[label]} of the {sum(patients.values())} pat"):
        split.split(groups.group(images)[0], 0.125, 0.2, 8, 0)


@pytest.mark.parametrize("images", [20, 60, 200, 1000, 5000])
@pytest.mark.parametrize("longest", [1, 2, 10, 300])
@pytest.mark.parametrize("one_class", [True, False])
def test_three_patients_of_each_class_and_two_batches_are_enough(images: int, longest: int, one_class: bool) -> None:
    draw = random.Random(f"{images}/{longest}/{one_class}")  # noqa: S311 (a repeatable draw, not a secret)
    sizes = [2] * 6  # two images of each of three patients of each class
    while (rest := images - sum(sizes)) > 0:
        sizes.append(min(rest, max(1, round(longest ** draw.random()))))
    collection = [
        radiograph(f"p{patient}-{n}.jpg", (patient if one_class else patient + n) % 2, f"p{patient}", None, None)
        for patient, size in enumerate(sizes)
        for n in range(size)
    ]
    grouped, _ = groups.group(collection)
    splits = split.split(grouped, 0.125, 0.2, 4, 0)
    assert splits == split.split(grouped, 0.125, 0.2, 4, 0)
    assert groups.shared(splits.values()).patients == 0
    assert all({image.label for image in part} == {0, 1} for part in splits.values())
    assert abs(len(splits["test"]) - 0.2 * images) <= max(2, max(sizes) / 2)
    wanted = round(0.125 * (images - len(splits["test"])) / 4) * 4
    assert wanted - 4 <= len(splits["validation"]) <= max(4, wanted)
    assert len(splits["validation"]) % 4 == 0
    assert len(splits["train"]) >= 4


def test_another_seed_gives_another_validation_set() -> None:
    images = [radiograph(f"p{n}.jpg", n % 2, f"p{n}") for n in range(80)] + [radiograph("t.jpg", 0, "t", part="test")]
    grouped, _ = groups.group(images)
    assert split.split(grouped, 0.2, 0.2, 8, 0)["validation"] != split.split(grouped, 0.2, 0.2, 8, 1)["validation"]


def test_both_splits_keep_the_classes_shares() -> None:
    images = [radiograph(f"p{n}.jpg", int(n % 4 > 0), f"p{n}") for n in range(160)] + [
        radiograph("t.jpg", 0, "t", part="test")
    ]
    splits = split.split(groups.group(images)[0], 0.2, 0.2, 32, 0)
    assert sum(image.label for image in splits["validation"]) == 24


def test_patients_who_share_a_picture_are_one_group() -> None:
    images = [radiograph("a.jpg", 0, "a", "same"), radiograph("b.jpg", 0, "b", "same"), radiograph("b2.jpg", 0, "b")]
    grouped, dropped = groups.group(images)
    assert [{image.name for image in group.images} for group in grouped] == [{"a.jpg", "b2.jpg"}]
    assert [image.name for image in dropped] == ["b.jpg"]


def test_one_picture_with_two_labels_is_refused_by_name() -> None:
    with pytest.raises(UserError, match=r"a\.jpg \(NORMAL\) and .*b\.jpg \(PNEUMONIA\) are the same"):
        groups.group([radiograph("a.jpg", 0, "a", "same"), radiograph("b.jpg", 1, "b", "same")])


def test_a_given_test_set_keeps_every_image() -> None:
    images = [radiograph("a.jpg", 0, "a", "same", "test"), radiograph("b.jpg", 0, "b", "same", "test")]
    grouped, dropped = groups.group(images)
    assert sum(len(group.images) for group in grouped) == 2
    assert dropped == []


def test_a_patient_on_both_sides_of_a_given_test_set_is_refused() -> None:
    images = [radiograph("a.jpg", 0, "a"), radiograph("a2.jpg", 0, "a", part="test"), radiograph("b.jpg", 1, "b")]
    with pytest.raises(UserError, match="images in the test folder and outside it"):
        split.split(groups.group(images)[0], 0.2, 0.2, 1, 0)


def test_too_few_images_are_refused_with_what_to_do() -> None:
    images = [radiograph(f"p{n}.jpg", n % 2, f"p{n}") for n in range(20)]
    with pytest.raises(UserError, match="lower --batch-size"):
        split.split(groups.group(images)[0], 0.2, 0.2, 32, 0)


def test_images_of_unknown_patients_are_groups_of_their_own() -> None:
    images = [radiograph("1.jpg", 0, None), radiograph("1-2.jpg", 1, None), radiograph("1-3.jpg", 0, None, part="test")]
    grouped, dropped = groups.group(images)
    assert [len(group.images) for group in grouped] == [1, 1, 1]
    assert [image.patient for group in grouped for image in group.images] == [None, None, None]
    assert dropped == []


def test_identical_images_are_one_group_and_the_known_patients_whoever_is_named_first() -> None:
    images = [radiograph("a.jpg", 0, None, "same"), radiograph("b.jpg", 0, "z", "same"), radiograph("c.jpg", 0, "z")]
    grouped, dropped = groups.group(images)
    assert [[(image.name, image.patient) for image in group.images] for group in grouped] == [
        [("a.jpg", "z"), ("c.jpg", "z")]
    ]
    assert [image.name for image in dropped] == ["b.jpg"]


def test_what_splits_share_says_for_how_many_images_it_is_known() -> None:
    parts = [
        [radiograph("a.jpg", 0, "a"), radiograph("b.jpg", 0, None)],
        [radiograph("c.jpg", 0, "a"), radiograph("d.jpg", 0, None, "x")],
    ]
    assert groups.shared(parts) == groups.Shared(patients=1, pictures=0, known=2, images=4)


@pytest.mark.parametrize(
    ("path", "key", "collection", "subtype"),
    [
        ("NORMAL/IM-0115-0001.jpeg", "im-115", "chest-xray-pneumonia", "im"),
        ("NORMAL/NORMAL2-IM-0115-0001-0002.jpeg", "normal2-115", "chest-xray-pneumonia", "normal2"),
        ("PNEUMONIA/person447_virus_921_1.jpeg", "virus-447", "chest-xray-pneumonia", "virus"),
        ("PNEUMONIA/person447_bacteria_1.jpeg", "bacteria-447", "chest-xray-pneumonia", "bacteria"),
        ("PNEUMONIA/BACTERIA-1135262-0001.jpeg", "mendeley-bacteria-1135262", "chest-xray-pneumonia", "bacteria"),
        ("NORMAL/NORMAL-1135262-0001.jpeg", "mendeley-normal-1135262", "chest-xray-pneumonia", ""),
        ("NORMAL/phantom00012-2.jpg", "phantom-12", "phantom", ""),
        ("PNEUMONIA/00030805_012.png", "nih-30805", "nih", ""),
        ("PNEUMONIA/patient00042/study2/view1_frontal.jpg", "chexpert-42", "chexpert", ""),
        ("NORMAL/p10/p10000032/s50414267/02aa804e-bde0afdd.jpg", "mimic-10000032", "mimic", ""),
    ],
)
def test_the_patient_is_kind_and_number(path: str, key: str, collection: str, subtype: str) -> None:
    assert patient_of(Path(path), int(path.startswith("PNEUMONIA"))) == (key, collection, subtype)


@pytest.mark.parametrize(
    "path",
    [
        "NORMAL/scan of monday.jpeg",
        "PNEUMONIA/1.jpeg",
        "PNEUMONIA/IM-0001-0001.jpg",
        "NORMAL/person1_virus_2.jpeg",
        "NORMAL/Doe/IM-0001-0001.jpg",
        "NORMAL/20250101_001.png",
        "NORMAL/study1/view1_frontal.jpg",
        "NORMAL/p10/s50414267/a.jpg",
    ],
)
def test_other_names_tell_no_patient(path: str) -> None:
    assert patient_of(Path(path), int(path.startswith("PNEUMONIA"))) is None


KAGGLE_NAMES = ["NORMAL/IM-0001-0001.jpeg", "NORMAL/IM-0001-0002.jpeg", "PNEUMONIA/person1_virus_2.jpeg"]


@pytest.mark.parametrize(
    ("others", "collection"),
    [
        ([], "chest-xray-pneumonia"),
        (["PNEUMONIA/IM-0001-0001.jpeg"], None),
        (["NORMAL/Doe/IM-0001-0001.jpeg"], None),
        (["NORMAL/scan.jpeg"], None),
        (["NORMAL/00000001_000.png"], None),
    ],
)
def test_the_public_collections_names_count_where_all_images_have_them(
    tmp_path: Path, others: list[str], collection: str | None
) -> None:
    for seed, name in enumerate([*KAGGLE_NAMES, *others]):
        write_image(tmp_path / "images" / name, seed)
    (tmp_path / "images/NORMAL/notes.txt").write_text("not an image")
    offer = open_source(str(tmp_path / "images"), tmp_path, 0)
    known = {
        image.path.relative_to(tmp_path / "images").as_posix(): (image.patient, image.subtype) for image in offer.images
    }
    assert offer.collection == collection
    if collection:
        assert [known[name] for name in KAGGLE_NAMES] == [("im-1", "im"), ("im-1", "im"), ("virus-1", "virus")]
    else:
        assert [known[name] for name in KAGGLE_NAMES] == [(None, "")] * 3
    assert known.get("NORMAL/00000001_000.png", ("nih-1", "")) == ("nih-1", "")
