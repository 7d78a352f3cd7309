"""What `python -m ml.prepare` says of patients and files holds for the images that it names, in all places alike."""

import json
import os
from pathlib import Path

import pytest

from tests.radiograph.dicom_files import chest, dataset, saved

from .conftest import write_collection, write_image
from .dataset_builders import Stored, contents, run

pytestmark = pytest.mark.usefixtures("aws", "project")


def test_files_of_one_name_in_train_and_test_are_images_of_unknown_patients(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(16):
        for part, folder in enumerate(["train/NORMAL", "train/PNEUMONIA", "test/NORMAL", "test/PNEUMONIA"]):
            write_image(tmp_path / f"images/{folder}/{number}.jpeg", 100 * part + number)
    assert run(tmp_path / "images") == 0
    _, inside, content = contents()
    assert [image["patient"] for image in content["images"]] == [None] * len(content["images"])
    assert content["patients"] == {"train": 0, "validation": 0, "test": 0}
    assert content["unknown_patients"] == {"train": 24, "validation": 8, "test": 32}
    assert content["shared"] == {"patients": None, "pictures": 0, "known": 0, "images": 64}
    assert sum(key.startswith(("train/", "validation/", "test/")) and "_copy" not in key for key in inside) == 64
    printed, page = capsys.readouterr().out, inside["report.html"].decode()
    for text in (printed, page):
        assert "none of the 64 images" in text
        assert "0 patients" not in text


def test_a_claim_on_patients_says_for_how_many_images_it_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(20):
        write_image(tmp_path / f"images/NORMAL/{number // 2 + 1:08d}_{number % 2:03d}.png", number)
        write_image(tmp_path / f"images/PNEUMONIA/{number}.jpeg", 100 + number)
    assert run(tmp_path / "images") == 0
    _, inside, content = contents()
    assert content["collection"] is None
    assert content["shared"] == {"patients": 0, "pictures": 0, "known": 20, "images": 40}
    assert sum(content["patients"].values()) == 10
    assert sum(content["unknown_patients"].values()) == 20
    for text in (capsys.readouterr().out, inside["report.html"].decode()):
        assert "0 patients (known for 20 of 40 images; unknown for 20" in text
    report = json.loads(inside["report.json"])
    assert report["shared"] == content["shared"]
    assert report["unknown_patients"] == content["unknown_patients"]


def test_the_public_collection_is_named_with_its_kinds(tmp_path: Path) -> None:
    assert run(write_collection(tmp_path / "images", 20)) == 0
    content = contents()[2]
    assert content["collection"] == "chest-xray-pneumonia"
    assert {image["subtype"] for image in content["images"]} == {"im", "normal2", "bacteria", "virus"}
    assert sum(content["unknown_patients"].values()) == 0


def test_every_file_of_a_messy_folder_is_accounted_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_collection(tmp_path / "images", 20)
    for seed, name in enumerate(["holdout/NORMAL/a", "unlabeled/b", "valid/normal/IM-0700-0001", "train/c"]):
        write_image(folder / f"{name}.jpeg", 7000 + seed)
    (folder / "train/NORMAL/IM-0701-0001.jpeg").write_bytes((folder / "train/NORMAL/IM-0000-0000.jpeg").read_bytes())
    (folder / "train/NORMAL/notes.txt").write_text("no image")
    (folder / "test/NORMAL/cut.dcm").write_bytes(saved(dataset())[:160])
    for name in ("LICENSE.txt", ".DS_Store", "train/Thumbs.db", "__MACOSX/._train"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    assert run(folder) == 0
    _, inside, content = contents()
    files = json.loads(inside["report.json"])["files"]
    assert files["found"] == sum(len(names) for _, _, names in os.walk(folder))
    assert files["found"] == files["images"] + files["duplicates"] + files["left_out"] + files["ignored"]
    assert (files["duplicates"], files["left_out"], files["ignored"]) == (1, 6, 3)
    assert files["images"] == sum(sum(counts.values()) for counts in content["counts"].values())
    printed = capsys.readouterr()
    sentence = f"Files found: {files['found']} = {files['images']} images + 1 duplicates + 6 left out + 3 ignored"
    assert sentence in printed.out
    assert sentence in inside["report.html"].decode()
    for name in ("holdout", "unlabeled", "train/c.jpeg", "notes.txt", "cut.dcm", "LICENSE.txt"):
        assert f"{name}: " in printed.err


def test_folders_that_are_left_out_do_not_count_as_unusable_images(tmp_path: Path) -> None:
    folder = write_collection(tmp_path / "images", 12)
    for seed in range(15):
        write_image(folder / f"holdout/NORMAL/{seed}.jpeg", 7000 + seed)
    assert run(folder, "--max-reject-fraction", "0.01") == 0
    assert json.loads(contents()[1]["report.json"])["rejects"] == {"outside_layout": 15}


def test_no_copy_replaces_an_image_of_the_source(tmp_path: Path) -> None:
    names = ["scan", "scan-copy1", "scan_copy1", "scan-copy2", "Scan Copy1"]
    for number in range(20):
        write_image(tmp_path / f"images/NORMAL/{names[number] if number < len(names) else number}.jpeg", number)
        write_image(tmp_path / f"images/PNEUMONIA/p{number}.jpeg", 100 + number)
    assert run(tmp_path / "images", "--augment", "2") == 0
    _, inside, content = contents()
    train = {image["file"] for image in content["images"] if image["file"].startswith("train/")}
    listed = [f"train/{line.split(chr(9))[2]}" for line in inside["train_lst/train.lst"].decode().splitlines()]
    assert len(set(listed)) == len(listed) == 3 * len(train)
    assert set(listed) == {key for key in inside if key.startswith("train/")}
    standardised = {inside[image["file"]] for image in content["images"]}
    assert len(standardised) == len(content["images"])


def test_no_name_or_id_of_a_dicom_file_is_uploaded_whatever_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/LICENSE.txt").write_text("CC BY 4.0")
    for number in range(40):
        path = tmp_path / f"images/{('NORMAL', 'PNEUMONIA')[number % 2]}/Surname_{number}.dcm"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(saved(dataset(chest(number), PatientID=f"Identifier-{number}")))
    assert run(tmp_path / "images") == 0
    for key, body in Stored().items():
        assert "surname" not in key.lower()
        if not key.endswith(".jpg"):
            assert b"surname" not in body.lower(), key
            assert b"identifier-" not in body.lower(), key


def test_images_beyond_the_last_batch_of_validation_are_listed_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(60):
        name = f"{('NORMAL', 'PNEUMONIA')[number // 3 % 2]}/{number // 3 + 1:08d}_{number % 3:03d}.png"
        write_image(tmp_path / "images" / name, number)
    assert run(tmp_path / "images") == 0
    _, inside, content = contents()
    report = json.loads(inside["report.json"])
    assert sum(content["counts"]["validation"].values()) == 8
    assert content["shared"]["patients"] == 0
    surplus = report["rejects"]["surplus"]
    assert report["files"]["found"] == 60 == report["files"]["images"] + surplus
    assert capsys.readouterr().err.count("multiple of 8 images") == surplus > 0
