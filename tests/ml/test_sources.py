"""Sources: what each offers, and how a source that cannot be used is refused."""

import os
from pathlib import Path

import pytest

from ml.dataset.sources import open_source
from ml.errors import UserError

from .conftest import write_collection, write_image


def offered(source: Path, work: Path, labels: Path | None = None) -> list[tuple[str, int, str | None]]:
    images = open_source(str(source), work, 0, labels).images
    return [(image.path.name, image.label, image.split) for image in images]


def test_kaggles_val_joins_train_and_test_stays(tmp_path: Path) -> None:
    images = offered(write_collection(tmp_path / "images", 3), tmp_path)
    assert len(images) == 6 + 8 + 8
    assert {split for name, _, split in images if "900" in name} == {"train"}
    assert sum(split == "test" for _, _, split in images) == 8


def test_plain_class_folders_leave_the_split_to_us(tmp_path: Path) -> None:
    write_image(tmp_path / "images/Normal/a.jpeg", 0)
    write_image(tmp_path / "images/pneumonia/deep/b.jpeg", 1)
    assert offered(tmp_path / "images", tmp_path) == [("a.jpeg", 0, None), ("b.jpeg", 1, None)]


def test_what_operating_systems_leave_behind_is_not_an_image(tmp_path: Path) -> None:
    write_image(tmp_path / "images/NORMAL/a.jpeg", 0)
    write_image(tmp_path / "images/PNEUMONIA/b.jpeg", 1)
    for name in ("NORMAL/.DS_Store", "NORMAL/._a.jpeg", "NORMAL/Thumbs.db", "__MACOSX/NORMAL/._a.jpeg"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / name).write_bytes(b"x")
    assert [name for name, _, _ in offered(tmp_path / "images", tmp_path)] == ["a.jpeg", "b.jpeg"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "holds no folder; expected the folders NORMAL and PNEUMONIA"),
        (["NORMAL/a.jpeg"], "holds no image of class PNEUMONIA"),
        (["COVID/a.jpeg", "NORMAL/a.jpeg"], "holds the folders COVID"),
    ],
)
def test_a_folder_without_both_classes_is_refused(tmp_path: Path, files: list[str], message: str) -> None:
    (tmp_path / "images").mkdir()
    for seed, name in enumerate(files):
        write_image(tmp_path / "images" / name, seed)
    with pytest.raises(UserError, match=message) as caught:
        open_source(str(tmp_path / "images"), tmp_path, 0)
    assert caught.value.code == 2


def test_what_is_no_source_is_refused_with_the_allowed_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing .*allowed: .*table.*`kaggle`, or `phantom`"):
        open_source(str(tmp_path / "nothing"), tmp_path, 0)


def table(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "images.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_table_names_images_labels_patients_and_splits(tmp_path: Path) -> None:
    path = table(tmp_path, "\ufeffPath,label,patient_id,split", "a.jpg,normal,7,train", "b/c.jpg,1,8,test")
    offer = open_source(str(path), tmp_path, 0)
    assert [(image.path, image.label, image.split, image.patient) for image in offer.images] == [
        (tmp_path / "a.jpg", 0, "train", "table-7"),
        (tmp_path / "b/c.jpg", 1, "test", "table-8"),
    ]
    assert (offer.rejects, offer.found) == ([], 2)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["path,label", "a.jpg,NORMAL"], "has the columns path, label; it needs path, label, patient_id"),
        (["path,label,patient_id", "a.jpg,covid,1"], "line 2 has the label 'covid'; allowed: NORMAL or 0"),
        (["path,label,patient_id", "a.jpg,0,"], "line 2 has no patient_id"),
        (["path,label,patient_id", ",0,1"], "line 2 has no path"),
        (["path,label,patient_id,split", "a.jpg,0,1,holdout"], "line 2 has the split 'holdout'; allowed: train"),
        (["path,label,patient_id,split", "a.jpg,0,1,test", "b.jpg,1,2,"], "the column split is filled in"),
        (["path,label,patient_id", "a.jpg,0,1"], "holds no image of class PNEUMONIA"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_by_line(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        open_source(str(table(tmp_path, *lines)), tmp_path, 0)
    assert caught.value.code == 2


def test_rows_without_a_certain_label_are_left_out_and_counted(tmp_path: Path) -> None:
    labels = ["0.0", "1.0", "", "-1", "-1.0", " Uncertain "]
    path = table(tmp_path, "path,label,patient_id", *(f"{n}.jpg,{label},{n}" for n, label in enumerate(labels)))
    offer = open_source(str(path), tmp_path, 0)
    assert [(image.path.name, image.label) for image in offer.images] == [("0.jpg", 0), ("1.jpg", 1)]
    assert [(reject.path, reject.code, reject.files, reject.unusable) for reject in offer.rejects] == [
        (path, "unlabelled", 4, False)
    ]
    assert offer.found == 6


def test_valid_joins_train_as_val_does(tmp_path: Path) -> None:
    for seed, name in enumerate(["train/NORMAL/a", "valid/NORMAL/b", "test/PNEUMONIA/c", "Valid/pneumonia/d"]):
        write_image(tmp_path / f"images/{name}.jpeg", seed)
    assert {(name, split) for name, _, split in offered(tmp_path / "images", tmp_path)} == {
        ("a.jpeg", "train"),
        ("b.jpeg", "train"),
        ("c.jpeg", "test"),
        ("d.jpeg", "train"),
    }


def test_class_folders_of_either_case_are_both_taken(tmp_path: Path) -> None:
    for seed, name in enumerate(["NORMAL/a", "normal/b", "Pneumonia/c"]):
        write_image(tmp_path / f"images/{name}.jpeg", seed)
    assert [(name, label) for name, label, _ in offered(tmp_path / "images", tmp_path)] == [
        ("a.jpeg", 0),
        ("c.jpeg", 1),
        ("b.jpeg", 0),
    ]


def test_what_lies_outside_the_layout_is_left_out_with_its_reason_and_number(tmp_path: Path) -> None:
    names = ["train/NORMAL/a", "test/PNEUMONIA/b", "holdout/NORMAL/c", "holdout/d", "unlabeled/e", "train/f"]
    for seed, name in enumerate(names):
        write_image(tmp_path / f"images/{name}.jpeg", seed)
    (tmp_path / "images/LICENSE.txt").write_text("CC BY 4.0")
    offer = open_source(str(tmp_path / "images"), tmp_path, 0)
    assert [image.path.name for image in offer.images] == ["b.jpeg", "a.jpeg"]
    left_out = {str(reject.path.relative_to(tmp_path / "images")): reject for reject in offer.rejects}
    assert {name: reject.files for name, reject in left_out.items()} == {
        "holdout": 2,
        "unlabeled": 1,
        "train/f.jpeg": 1,
        "LICENSE.txt": 1,
    }
    assert "train, training, val, valid, validation, validate, dev, test, testing" in left_out["holdout"].reason
    assert not any(reject.unusable for reject in offer.rejects)
    assert offer.found == 7


def test_linked_folders_are_read_and_a_link_to_a_folder_above_ends(tmp_path: Path) -> None:
    for seed, name in enumerate(["images/NORMAL/a", "images/PNEUMONIA/b", "elsewhere/c", "elsewhere/deep/d"]):
        write_image(tmp_path / f"{name}.jpeg", seed)
    (tmp_path / "images/NORMAL/more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/deep/back").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "images/PNEUMONIA/above").symlink_to(tmp_path)
    offer = open_source(str(tmp_path / "images"), tmp_path, 0)
    assert {(image.path.name, image.label) for image in offer.images} == {
        ("a.jpeg", 0),
        ("b.jpeg", 1),
        ("c.jpeg", 0),
        ("d.jpeg", 0),
    }
    assert sorted(reject.path.name for reject in offer.rejects) == ["above", "back"]
    assert {reject.reason for reject in offer.rejects} == {"it links to a folder above it"}
    assert offer.found == 6


def test_the_counts_of_a_messy_folder_add_up_to_its_files(tmp_path: Path) -> None:
    folder = write_collection(tmp_path / "images", 3)
    for seed, name in enumerate(["holdout/x/a", "Train/Normal/b", "valid/PNEUMONIA/deep/er/c", "d"]):
        write_image(folder / f"{name}.jpeg", seed)
    ignored = (".DS_Store", "train/Thumbs.db", "__MACOSX/train/._a.jpeg", ".cache/x/y", "DICOMDIR", "test/desktop.ini")
    for name in (*ignored, "README.md", "train/NORMAL/notes.txt", "test/empty.jpeg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    (folder / "train/NORMAL/nowhere.jpeg").symlink_to(folder / "gone")
    (folder / "train/NORMAL/loop").symlink_to(folder)
    offer = open_source(str(folder), tmp_path, 0)
    files = sum(len(names) for _, _, names in os.walk(folder)) + 1  # the link to a folder
    assert offer.found == files
    assert len(offer.images) + sum(reject.files for reject in offer.rejects) + offer.ignored == files
    assert offer.ignored == len(ignored)


@pytest.mark.parametrize("source", ["phantom", "kaggle", "images.csv"])
def test_labels_are_refused_where_they_would_be_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    table(tmp_path, "path,label,patient_id", "a.jpg,0,1", "b.jpg,1,2")
    with pytest.raises(UserError, match=f"--labels .* --source {source} is not a folder"):
        open_source(source, tmp_path, 0, tmp_path / "labels.csv")


def test_folders_around_the_layout_of_an_archive_are_opened(tmp_path: Path) -> None:
    for seed, name in enumerate(["train/NORMAL/a", "test/PNEUMONIA/b", "chest_xray/train/NORMAL/c"]):
        write_image(tmp_path / f"archive/chest_xray/{name}.jpeg", seed)
    (tmp_path / "archive/README.txt").write_text("CC BY 4.0")
    (tmp_path / "archive/__MACOSX").mkdir()
    offer = open_source(str(tmp_path / "archive"), tmp_path, 0)
    assert [image.path.name for image in offer.images] == ["b.jpeg", "a.jpeg"]
    assert {(reject.path.name, reject.files) for reject in offer.rejects} == {("README.txt", 1), ("chest_xray", 1)}
    assert offer.found == 4


@pytest.mark.parametrize("work", ["images", "images/train/x", "."])
def test_nothing_is_written_into_the_source(tmp_path: Path, work: str) -> None:
    source = tmp_path / "standardised" if work == "." else tmp_path / "images"
    write_image(source / "NORMAL/a.jpeg", 0)
    write_image(source / "PNEUMONIA/b.jpeg", 1)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match="--work") as caught:
        open_source(str(source), tmp_path / work, 0)
    assert str(source) in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_without_classes_is_refused_with_the_option_for_a_table(tmp_path: Path) -> None:
    write_image(tmp_path / "nih/images/00000001_000.png", 0)
    with pytest.raises(UserError, match=r"NORMAL and PNEUMONIA.*--labels FILE\.csv"):
        open_source(str(tmp_path / "nih"), tmp_path, 0)
