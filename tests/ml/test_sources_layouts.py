"""Folders as people have them: each file is an image with the right label and split, or left out with a reason."""

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from ml.dataset.sources import Findings, open_source
from ml.errors import UserError
from tests.radiograph.dicom_files import dataset, saved

from .conftest import write_image

BOTH = ("NORMAL", "PNEUMONIA")


def counted(folder: Path, findings: Findings | None = None) -> tuple[dict[tuple[int, str | None], int], int, int]:
    """Return the number of images by label and split, of files left out, and of files ignored."""
    offer = open_source(str(folder), folder.parent / "work", 0, None, findings or Findings())
    left_out = sum(reject.files for reject in offer.rejects)
    assert len(offer.images) + left_out + offer.ignored == offer.found
    return Counter((image.label, image.split) for image in offer.images), left_out, offer.ignored


def each(*folders: str) -> list[str]:
    """Return the name of one image in a NORMAL and a PNEUMONIA folder of each folder."""
    return [f"{folder}{name}/a.jpeg" for folder in folders for name in BOTH]


HALVES = {(0, None): 1, (1, None): 1}
TRAIN_AND_TEST = {(0, "train"): 1, (1, "train"): 1, (0, "test"): 1, (1, "test"): 1}
LAYOUTS: dict[str, tuple[list[str], dict[tuple[int, str | None], int], int, int]] = {
    "class folders": (each(""), HALVES, 0, 0),
    "other case": (["normal/a.jpeg", "Pneumonia/b.jpeg"], HALVES, 0, 0),
    "spaces around": (["Normal /a.jpeg", " PNEUMONIA/b.jpeg"], HALVES, 0, 0),
    "numbers": (["0/a.jpeg", "1/b.jpeg"], HALVES, 0, 0),
    "folders of patients": (["NORMAL/17/2/a.jpeg", "PNEUMONIA/3/b.jpeg"], HALVES, 0, 0),
    "no suffix": (["NORMAL/a", "PNEUMONIA/IM000001"], HALVES, 0, 0),
    "Chinese names": (["胸部 X 光/NORMAL/影像 1.jpeg", "胸部 X 光/PNEUMONIA/影像 2.jpeg"], HALVES, 0, 0),
    "a long name": (["NORMAL/" + "n" * 235 + ".jpeg", "PNEUMONIA/b.jpeg"], HALVES, 0, 0),
    "a name in no encoding": (["NORMAL/\udcff\udcfe.jpeg", "PNEUMONIA/b.jpeg"], HALVES, 0, 0),
    "splits": (each("train/", "test/"), TRAIN_AND_TEST, 0, 0),
    "splits in an archive": (each("archive/chest_xray/train/", "archive/chest_xray/test/"), TRAIN_AND_TEST, 0, 0),
    "Kaggle's copy inside": (
        each("chest_xray/train/", "chest_xray/test/", "chest_xray/chest_xray/train/"), TRAIN_AND_TEST, 2, 0,
    ),
    "longer names of splits": (each("Training/", "Testing/"), TRAIN_AND_TEST, 0, 0),
    "four splits": (
        each("train/", "valid/", "dev/", "test/"), TRAIN_AND_TEST | {(0, "train"): 3, (1, "train"): 3}, 0, 0,
    ),
    "splits inside classes": (
        [f"{name}/{split}/a.jpeg" for name in BOTH for split in ("train", "test")], TRAIN_AND_TEST, 0, 0,
    ),
    "files beside splits inside classes": (
        [*(f"{name}/{split}/a.jpeg" for name in BOTH for split in ("train", "test", "x")), "NORMAL/b.jpeg"],
        TRAIN_AND_TEST, 3, 0,
    ),
    "a test folder without classes": ([*each("train/"), "test/a.jpeg"], {(0, "train"): 1, (1, "train"): 1}, 1, 0),
    "files of other programs": (
        [*each(""), "NORMAL/@eaDir/a.jpeg", "NORMAL/.ipynb_checkpoints/a.jpeg", "__MACOSX/NORMAL/._a.jpeg",
         "NORMAL/.DS_Store", "NORMAL/Thumbs.db", "NORMAL/a.jpeg:Zone.Identifier"],
        HALVES, 0, 6,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_gives_its_images_and_accounts_for_every_file(tmp_path: Path, name: str) -> None:
    files, images, left_out, ignored = LAYOUTS[name]
    for seed, file in enumerate(files):
        write_image(tmp_path / "images" / file, seed)
    assert counted(tmp_path / "images") == (images, left_out, ignored)


@pytest.mark.parametrize(
    ("names", "findings", "left_out"),
    [
        (["Healthy", "Pneumonia"], Findings(("pneumonia",), ("healthy",), given=True), 0),
        (["NORMAL", "Viral Pneumonia", "COVID"], Findings(("Viral_Pneumonia",), given=True), 1),
        (["NORMAL", "BACTERIA", "Lung_Opacity"], Findings(("Bacteria", "Virus"), ("Normal",), given=True), 1),
    ],
)
def test_other_class_folders_are_refused_by_name_or_mapped(
    tmp_path: Path, names: list[str], findings: Findings, left_out: int
) -> None:
    for seed, name in enumerate(names):
        write_image(tmp_path / f"images/{name}/a.jpeg", seed)
    unknown = sorted({*names} - {"NORMAL", "Pneumonia"})
    with pytest.raises(UserError, match=f"{', '.join(unknown)}; expected .*NORMAL.*--positive and --negative"):
        counted(tmp_path / "images")
    assert counted(tmp_path / "images", findings) == (HALVES, left_out, 0)


def test_class_folders_that_are_not_the_findings_are_refused_with_the_findings(tmp_path: Path) -> None:
    write_image(tmp_path / "images/a/a.jpeg", 0)
    write_image(tmp_path / "images/b/a.jpeg", 1)
    with pytest.raises(UserError, match=r"holds the folders a, b; expected the folders healthy, covid"):
        counted(tmp_path / "images", Findings(("COVID",), ("Healthy",), given=True))


def test_links_to_files_are_images_and_broken_links_are_left_out(tmp_path: Path) -> None:
    for seed, name in enumerate(BOTH):
        (tmp_path / "images" / name).mkdir(parents=True)
        (tmp_path / "images" / name / "a.jpeg").symlink_to(write_image(tmp_path / f"real/{name}.jpeg", seed))
    (tmp_path / "images/NORMAL/gone.jpeg").symlink_to(tmp_path / "gone")
    images, left_out, _ = counted(tmp_path / "images")
    assert (images, left_out) == ({(0, None): 2, (1, None): 1}, 0)  # reading rejects the broken link


def source_with_links(folder: Path) -> Path:
    """Return a source whose NORMAL folder is a link, and whose PNEUMONIA folder holds links to files."""
    for seed, name in enumerate(BOTH):
        write_image(folder / f"real/{name}/a.jpeg", seed)
    (folder / "images/PNEUMONIA").mkdir(parents=True)
    (folder / "images/NORMAL").symlink_to(folder / "real/NORMAL")
    (folder / "images/PNEUMONIA/a.jpeg").symlink_to(folder / "real/PNEUMONIA/a.jpeg")
    return folder / "images"


@pytest.mark.parametrize("work", ["images/out", "real/NORMAL/out", "real/PNEUMONIA/out", "images/NORMAL", "link/out"])
def test_nothing_is_written_into_a_source_through_links(tmp_path: Path, work: str) -> None:
    source = source_with_links(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "real/NORMAL")
    before = sorted(os.walk(tmp_path))
    with pytest.raises(UserError, match="--work") as caught:
        open_source(str(source), tmp_path / work, 0)
    assert caught.value.code == 2
    assert sorted(os.walk(tmp_path)) == before


def test_images_that_an_earlier_run_wrote_are_not_replaced(tmp_path: Path) -> None:
    for seed, name in enumerate(BOTH):
        write_image(tmp_path / f"work/standardised/{name}/a.jpeg", seed)
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "images" / name).symlink_to(tmp_path / f"work/standardised/{name}")
    with pytest.raises(UserError, match="--work"):
        open_source(str(tmp_path / "images"), tmp_path / "work", 0)


def test_nothing_is_written_beside_the_images_of_a_table(tmp_path: Path) -> None:
    write_image(tmp_path / "images/a.jpeg", 0)
    write_image(tmp_path / "images/b.jpeg", 1)
    (tmp_path / "t.csv").write_text("path,label,patient_id\nimages/a.jpeg,0,1\nimages/b.jpeg,1,2\n")
    with pytest.raises(UserError, match="--work"):
        open_source(str(tmp_path / "t.csv"), tmp_path / "images/out", 0)
    assert len(open_source(str(tmp_path / "t.csv"), tmp_path / "out", 0).images) == 2


def labelled(folder: Path, *lines: str) -> dict[str, int]:
    (folder / "labels.csv").write_text("\n".join(["id,label", *lines]) + "\n")
    offer = open_source(str(folder / "images"), folder / "work", 0, folder / "labels.csv")
    return {image.path.relative_to(folder / "images").as_posix(): image.label for image in offer.images}


def test_an_id_that_names_two_files_is_refused_and_their_paths_tell_them_apart(tmp_path: Path) -> None:
    for seed, name in enumerate(["a/1.jpeg", "b/1.jpeg"]):
        write_image(tmp_path / "images" / name, seed)
    with pytest.raises(UserError, match=r"id '1' .*a/1\.jpeg and of .*b/1\.jpeg"):
        labelled(tmp_path, "1,NORMAL", "2,PNEUMONIA")
    assert labelled(tmp_path, "a/1.jpeg,NORMAL", "b/1.jpeg,PNEUMONIA") == {"a/1.jpeg": 0, "b/1.jpeg": 1}


def test_a_number_that_is_a_file_and_another_files_patient_does_not_label_both(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for number in range(1, 9):
        (tmp_path / f"images/{number}.dcm").write_bytes(saved(dataset(PatientID=str(number + 4))))
    by_patient = {f"{number}.dcm": int(number > 2) for number in range(1, 5)}
    assert labelled(tmp_path, *(f"{number},{int(number > 6)}" for number in range(5, 9))) == by_patient
    with pytest.raises(UserError, match=r"two labels, by its PatientID '5' and name '1'"):
        labelled(tmp_path, *(f"{number},{int(number > 4)}" for number in range(1, 13)))


def test_exact_copies_of_a_training_image_are_counted_as_duplicates_and_both_labels_are_refused(tmp_path: Path) -> None:
    from ml.dataset import groups, standardising

    for seed, name in enumerate(BOTH):
        write_image(tmp_path / f"images/{name}/a.jpeg", seed)
    shutil.copy(tmp_path / "images/NORMAL/a.jpeg", tmp_path / "images/NORMAL/copy.jpeg")
    files = open_source(str(tmp_path / "images"), tmp_path / "work", 0).images
    images, _ = standardising.standardise_all(files, tmp_path / "out")
    assert len(groups.group(images)[1]) == 1
    shutil.copy(tmp_path / "images/NORMAL/a.jpeg", tmp_path / "images/PNEUMONIA/other.jpeg")
    files = open_source(str(tmp_path / "images"), tmp_path / "work", 0).images
    with pytest.raises(UserError, match=r"a\.jpeg .*other\.jpeg|other\.jpeg .*a\.jpeg"):
        groups.group(standardising.standardise_all(files, tmp_path / "out2")[0])
