"""Tables as people have them: any delimiter and encoding, and the columns of public collections."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from ml.dataset.radiographs import Offer
from ml.dataset.sources import Findings, open_source
from ml.errors import UserError
from tests.radiograph.dicom_files import dataset, saved

from .conftest import write_image


def offer_of(folder: Path, name: str, lines: list[str], findings: Findings | None = None) -> Offer:
    """Write a table into a folder and open it as the source."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return open_source(str(folder / name), folder.parent / "work", 0, None, findings or Findings())


def labels_of(offer: Offer) -> dict[str, tuple[int, str | None]]:
    return {image.path.name: (image.label, image.patient) for image in offer.images}


def left_out(offer: Offer) -> int:
    return sum(reject.files for reject in offer.rejects if reject.code == "unlabelled")


TEXT = "path,label,patient_id\na b.jpg,NORMAL,7\n,,\nc.jpg,1.0,8\n"
FILES: dict[str, Callable[[], bytes]] = {
    "comma.csv": TEXT.encode,
    "semicolon.csv": TEXT.replace(",", ";").encode,
    "tab.tsv": TEXT.replace(",", "\t").encode,
    "crlf.csv": TEXT.replace("\n", "\r\n").encode,
    "mark.csv": lambda: TEXT.encode("utf-8-sig"),
    "utf16.csv": lambda: TEXT.encode("utf-16"),
    "utf16 without mark.csv": lambda: TEXT.encode("utf-16-le"),
    "utf16 of the other order.csv": lambda: TEXT.encode("utf-16-be"),
    "cr.csv": TEXT.replace("\n", "\r").encode,
    "blank lines first.csv": ("\n,,\n" + TEXT).encode,
    "excels hint.csv": ("sep=;\r\n" + TEXT.replace(",", ";")).encode,
    "blank columns.csv": TEXT.replace("\n", ",,\n").encode,
    "spaces.csv": TEXT.replace(",", " , ").encode,
    "other case.CSV": TEXT.replace("path,label", "PATH,Label").replace("NORMAL", "normal").encode,
    "quoted.csv": TEXT.replace("path,", '"path",').replace("NORMAL,7", '"NORMAL","7"').encode,
    "decimal comma.csv": TEXT.replace(",", ";").replace("1.0", "1,0").replace("id\n", "id;1,5;2,5;3,5\n").encode,
    "packed.csv.gz": lambda: gzip.compress(TEXT.encode(), mtime=0),
    "packed and wide.TSV.GZ": lambda: gzip.compress(TEXT.replace(",", "\t").encode("utf-16")),
}


@pytest.mark.parametrize("name", FILES)
def test_the_header_shows_the_delimiter_and_the_first_bytes_the_encoding(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(FILES[name]())
    offer = open_source(str(tmp_path / name), tmp_path / "work", 0)
    assert labels_of(offer) == {"a b.jpg": (0, "table-7"), "c.jpg": (1, "table-8")}
    assert offer.found == 2


@pytest.mark.parametrize("content", [gzip.compress(TEXT.encode(), mtime=0)[:40], "path;Größe".encode("latin-1")])
def test_a_table_that_cannot_be_read_is_refused_with_the_allowed_encodings(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "images.csv").write_bytes(content)
    with pytest.raises(UserError, match=r"images\.csv .*UTF-8 or UTF-16"):
        open_source(str(tmp_path / "images.csv"), tmp_path / "work", 0)


def test_the_table_of_nih_names_images_in_any_folder_below_it(tmp_path: Path) -> None:
    rows = {"00000001_000": "No Finding", "00000001_001": "Infiltration|Pneumonia", "00000002_000": "Pneumonia",
            "00000003_000": "Effusion", "00000004_000": "No Finding"}  # fmt: skip
    for number, name in enumerate(list(rows)[:4]):
        write_image(tmp_path / f"nih/images_{number % 2 + 1:03d}/images/{name}.png", number)
    write_image(tmp_path / "nih/images_001/images/00000009_000.png", 9)
    lines = [f"{name}.png,{finding},0,{int(name[:8])}" for name, finding in rows.items()]
    offer = offer_of(
        tmp_path / "nih", "Data_Entry_2017.csv", ["Image Index,Finding Labels,Follow-up #,Patient ID", *lines]
    )
    assert labels_of(offer) == {
        "00000001_000.png": (0, "table-1"),
        "00000001_001.png": (1, "table-1"),
        "00000002_000.png": (1, "table-2"),
    }
    assert offer.collection == "nih"
    assert left_out(offer) == 1
    # Six images and lines without an image, and the table.
    assert offer.found == 7 == len(offer.images) + sum(reject.files for reject in offer.rejects)
    assert not any(reject.unusable for reject in offer.rejects)


def test_the_table_of_chexpert_has_a_column_for_each_finding(tmp_path: Path) -> None:
    rows = {1: "1.0,", 2: ",1.0", 3: ",-1.0", 4: "1.0,-1.0", 5: ",", 6: "0.0,0.0", 7: "1.0,1.0"}
    for number in rows:
        write_image(tmp_path / f"chexpert/train/patient{number:05d}/study1/view1_frontal.jpg", number)
    lines = [f"CheXpert-v1.0/train/patient{n:05d}/study1/view1_frontal.jpg,Male,{row}" for n, row in rows.items()]
    offer = offer_of(tmp_path / "chexpert", "train.csv", ["Path,Sex,No Finding,Pneumonia", *lines])
    assert [(image.label, image.patient, image.path.is_file()) for image in offer.images] == [
        (0, "chexpert-1", True),
        (1, "chexpert-2", True),
    ]
    assert left_out(offer) == 5
    assert offer.found == 7


def test_the_ids_in_rsnas_table_are_images_and_not_patients(tmp_path: Path) -> None:
    for name in ("a-1", "b-2", "c-3"):
        path = tmp_path / f"rsna/stage_2_train_images/{name}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(saved(dataset(PatientID=name)))
    lines = ["a-1,,,,,0", "b-2,1,1,9,9,1", "b-2,5,5,9,9,1", "c-3,1,1,9,9,1"]
    offer = offer_of(tmp_path / "rsna", "stage_2_train_labels.csv", ["patientId,x,y,width,height,Target", *lines])
    assert labels_of(offer) == {"a-1.dcm": (0, None), "b-2.dcm": (1, None), "c-3.dcm": (1, None)}


def test_the_findings_of_all_lines_of_an_image_of_vindr_count(tmp_path: Path) -> None:
    for number, name in enumerate("abcd"):
        write_image(tmp_path / f"vindr/train/{name}.png", number)
    lines = ["a,No finding,14", "a,No finding,14", "b,Consolidation,4", "b,Nodule/Mass,8", "c,Nodule/Mass,8"]
    offer = offer_of(
        tmp_path / "vindr",
        "train.csv",
        ["image_id,class_name,class_id", *lines, "d,Consolidation,4", "d,No finding,14"],
        Findings(("Consolidation",), ("No Finding",), given=True),
    )
    assert labels_of(offer) == {"a.png": (0, None), "b.png": (1, None)}
    assert left_out(offer) == 2


def test_the_table_of_mimic_labels_the_images_of_a_study(tmp_path: Path) -> None:
    for number, name in enumerate(["p10000032/s50414267/x", "p10000032/s50414267/y", "p10000764/s57375967/z"]):
        write_image(tmp_path / f"mimic/files/p10/{name}.jpg", number)
    lines = ["10000032,50414267,1.0,", "10000764,57375967,,1.0"]
    offer = offer_of(
        tmp_path / "mimic", "mimic-cxr-2.0.0-chexpert.csv", ["subject_id,study_id,No Finding,Pneumonia", *lines]
    )
    assert labels_of(offer) == {
        "x.jpg": (0, "table-10000032"),
        "y.jpg": (0, "table-10000032"),
        "z.jpg": (1, "table-10000764"),
    }
    assert offer.collection == "mimic"


def test_mimics_tables_of_metadata_and_splits_beside_the_labels_give_views_and_splits(tmp_path: Path) -> None:
    images = {
        "a": ("PA", "train"),
        "b": ("LATERAL", "train"),
        "c": ("AP", "validate"),
        "d": ("", "test"),
        "e": ("PA", ""),
    }
    for number, name in enumerate(images):
        write_image(tmp_path / f"mimic/files/p10/p1000000{number}/s5000000{number}/{name}.jpg", number)
    tables = {
        "metadata": [f"{name},1000000{n},5000000{n},{view}" for n, (name, (view, _)) in enumerate(images.items())],
        "split": [f"{name},5000000{n},1000000{n},{part}" for n, (name, (_, part)) in enumerate(images.items()) if part],
    }
    headers = {"metadata": "dicom_id,subject_id,study_id,ViewPosition", "split": "dicom_id,study_id,subject_id,split"}
    for word, lines in tables.items():
        text = "\n".join([headers[word], *lines]) + "\n"
        (tmp_path / f"mimic/mimic-cxr-2.0.0-{word}.csv").write_text(text)
    labels = [f"1000000{n},5000000{n},{'1.0,' if n % 2 == 0 else ',1.0'}" for n in range(len(images))]
    offer = offer_of(
        tmp_path / "mimic", "mimic-cxr-2.0.0-chexpert.csv", ["subject_id,study_id,No Finding,Pneumonia", *labels]
    )
    assert {image.path.stem: (image.label, image.split, image.patient) for image in offer.images} == {
        "a": (0, "train", "table-10000000"),
        "c": (0, "train", "table-10000002"),
        "d": (1, "test", "table-10000003"),
    }
    # The image without a split and the three tables are in no line.
    assert {reject.code: reject.files for reject in offer.rejects} == {"wrong_view": 1, "outside_layout": 4}


def test_findings_in_a_column_of_labels_count_if_they_are_given(tmp_path: Path) -> None:
    lines = ["path,label,patient_id", "a.jpg,COVID-19,1", "b.jpg,Normal,2", "c.jpg,Pneumonia,3"]
    with pytest.raises(UserError, match=r"line 2 has the label 'COVID-19'.*--positive"):
        offer_of(tmp_path / "covid", "images.csv", lines)
    offer = offer_of(tmp_path / "covid", "images.csv", lines, Findings(("covid-19",), ("normal",), given=True))
    assert labels_of(offer) == {"a.jpg": (1, "table-1"), "b.jpg": (0, "table-2")}
    assert left_out(offer) == 1


def test_a_finding_that_no_line_has_is_refused_with_those_of_the_table(tmp_path: Path) -> None:
    lines = ["Image Index,Finding Labels", "a.png,No Finding", "b.png,Pneumonia", "c.png,Edema"]
    with pytest.raises(UserError, match=r"Pnuemonia.*pneumonia, edema.*--positive") as caught:
        offer_of(tmp_path / "nih", "images.csv", lines, Findings(("Pnuemonia",), given=True))
    assert caught.value.code == 2


@pytest.mark.parametrize("header", ["id,label", "path,label,patient_id", "Image Index,Finding Labels"])
def test_a_table_of_a_header_only_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(UserError, match=r"t\.csv holds no line") as caught:
        offer_of(tmp_path / "images", "t.csv", [header])
    assert caught.value.code == 2


@pytest.mark.parametrize(
    "prefix", ["x\\", ".\\x\\", "C:\\Users\\me\\images\\x\\", "D:/x/", "/home/me/x/", "~/x/", "v1.0-small/x/"]
)
def test_paths_of_windows_and_of_another_machine_are_read(tmp_path: Path, prefix: str) -> None:
    write_image(tmp_path / "images/x/a.jpg", 0)
    write_image(tmp_path / "images/x/b.jpg", 1)
    offer = offer_of(
        tmp_path / "images", "t.csv", ["path,label,patient_id", f"{prefix}a.jpg,0,1", f"{prefix}b.jpg,1,2"]
    )
    assert all(image.path.is_file() for image in offer.images)


def test_lines_that_name_the_same_file_in_two_ways_are_refused(tmp_path: Path) -> None:
    write_image(tmp_path / "images/a.jpg", 0)
    with pytest.raises(UserError, match=r"'y/a\.jpg' and another line .*a\.jpg"):
        offer_of(tmp_path / "images", "t.csv", ["path,label,patient_id", "x/a.jpg,0,1", "y/a.jpg,0,2"])


@pytest.mark.parametrize(
    ("texts", "label"),
    [
        (["0", "0.0", "0,0", "False", "normal", " NORMAL ", "\xa00\xa0"], 0),
        (["1", "1.00", "1,0", "TRUE", "Pneumonia", "pneumonia "], 1),
        (["", "-1", "-1.0", "-1,0", "uncertain", "NaN", "NA", "n/a", "null"], None),
    ],
)
def test_labels_are_words_numbers_or_truth_values(tmp_path: Path, texts: list[str], label: int | None) -> None:
    lines = [f'{number}.jpg,"{text}",{number}' for number, text in enumerate(texts)]
    others = ["x.jpg,0,x", "y.jpg,1,y"]
    offer = offer_of(tmp_path / "images", "t.csv", ["path,label,patient_id", *others, *lines])
    assert {image.label for image in offer.images if image.path.stem.isdigit()} == ({label} - {None})
    assert left_out(offer) == (len(texts) if label is None else 0)
    assert offer.found == len(texts) + 2


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["path,label,Label,patient_id", "a.jpg,0,1,1"], "column label more than once"),
        (["a.jpg,0,1", "b.jpg,1,2"], r"first line .* a\.jpg, 0, 1; it needs path"),
        (["path,label,patient_id", "a.jpg,0,1", "a.jpg,0,2"], "line 3 gives a second patientid"),
        (["path,label,patient_id,split", "a.jpg,0,1,train", "a.jpg,0,1,test"], "line 3 gives a second split"),
        (["path,label,patient_id", "a.jpg,0,1", "b.jpg,1,2", "a.jpg,1,1"], "line 4 gives a second label"),
        (["path,label,patient_id", 'a.jpg,"0', '",1', "b.jpg,yes,2"], "line 4 has the label 'yes'; allowed: NORMAL"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused_by_line(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        offer_of(tmp_path / "images", "t.csv", lines)
    assert caught.value.code == 2


def test_equal_lines_count_once_and_cells_can_hold_line_breaks(tmp_path: Path) -> None:
    lines = ['a.jpg,"Heart, normal\nLungs ""clear""",0,1', "b.jpg,,1,2", "b.jpg,,1,2"]
    offer = offer_of(tmp_path / "images", "t.csv", ["path,report,label,patient_id", *lines])
    assert labels_of(offer) == {"a.jpg": (0, "table-1"), "b.jpg": (1, "table-2")}
    assert offer.found == 2


@pytest.mark.parametrize("split", ["train", "Training", "val", "valid", "validation", "dev"])
def test_every_split_but_test_joins_train(tmp_path: Path, split: str) -> None:
    lines = ["path,label,patient_id,split", f"a.jpg,0,1,{split} ", "b.jpg,1,2,TEST", "c.jpg,1,3,testing"]
    offer = offer_of(tmp_path / "images", "t.csv", lines)
    assert [image.split for image in offer.images] == ["train", "test", "test"]


def test_labels_in_a_table_of_paths_are_refused_with_the_way_out(tmp_path: Path) -> None:
    write_image(tmp_path / "images/a.jpg", 0)
    (tmp_path / "t.csv").write_text("path,label,patient_id\na.jpg,0,1\n")
    with pytest.raises(UserError, match=r"path, label, patient_id.*--source"):
        open_source(str(tmp_path / "images"), tmp_path / "work", 0, tmp_path / "t.csv")


def test_findings_are_refused_where_they_would_be_ignored(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--positive and --negative .*phantom"):
        open_source("phantom", tmp_path / "work", 0, None, Findings(given=True))
