"""Sources: what each offers, and how a source that cannot be used is refused."""

from pathlib import Path

import pytest

from ml.dataset.sources import open_source
from ml.errors import UserError
from tests.radiograph.test_dicom import dataset, saved

from .conftest import write_collection, write_film


def offered(source: Path, work: Path, labels: Path | None = None) -> list[tuple[str, int, str | None]]:
    films = open_source(str(source), work, 0, labels).films
    return [(film.path.name, film.label, film.split) for film in films]


def test_kaggles_val_joins_train_and_test_stays(tmp_path: Path) -> None:
    found = offered(write_collection(tmp_path / "films", 3), tmp_path)
    assert len(found) == 6 + 8 + 8
    assert {split for name, _, split in found if "900" in name} == {"train"}
    assert sum(split == "test" for _, _, split in found) == 8


def test_plain_class_folders_leave_the_split_to_us(tmp_path: Path) -> None:
    write_film(tmp_path / "films/Normal/a.jpeg", 0)
    write_film(tmp_path / "films/pneumonia/deep/b.jpeg", 1)
    assert offered(tmp_path / "films", tmp_path) == [("a.jpeg", 0, None), ("b.jpeg", 1, None)]


def test_what_operating_systems_leave_behind_is_not_a_film(tmp_path: Path) -> None:
    write_film(tmp_path / "films/NORMAL/a.jpeg", 0)
    write_film(tmp_path / "films/PNEUMONIA/b.jpeg", 1)
    for name in ("NORMAL/.DS_Store", "NORMAL/._a.jpeg", "NORMAL/Thumbs.db", "__MACOSX/NORMAL/._a.jpeg"):
        (tmp_path / "films" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "films" / name).write_bytes(b"x")
    assert [name for name, _, _ in offered(tmp_path / "films", tmp_path)] == ["a.jpeg", "b.jpeg"]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ([], "holds no folder; expected the folders NORMAL and PNEUMONIA"),
        (["NORMAL/a.jpeg"], "holds no film of class PNEUMONIA"),
        (["COVID/a.jpeg", "NORMAL/a.jpeg"], "holds the folders covid"),
    ],
)
def test_a_folder_without_both_classes_is_refused(tmp_path: Path, files: list[str], told: str) -> None:
    (tmp_path / "films").mkdir()
    for seed, name in enumerate(files):
        write_film(tmp_path / "films" / name, seed)
    with pytest.raises(UserError, match=told) as caught:
        open_source(str(tmp_path / "films"), tmp_path, 0)
    assert caught.value.code == 2


def test_what_is_no_source_is_refused_with_the_allowed_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"neither a folder nor a \.csv file; allowed: .*`kaggle`, or `phantom`"):
        open_source(str(tmp_path / "nothing"), tmp_path, 0)


def table(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "films.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_table_names_films_labels_patients_and_splits(tmp_path: Path) -> None:
    path = table(tmp_path, "\ufeffPath,label,patient_id,split", "a.jpg,normal,7,train", "b/c.jpg,1,8,test")
    offer = open_source(str(path), tmp_path, 0)
    assert [(film.path, film.label, film.split, film.patient) for film in offer.films] == [
        (tmp_path / "a.jpg", 0, "train", "table-7"),
        (tmp_path / "b/c.jpg", 1, "test", "table-8"),
    ]
    assert (offer.rejects, offer.found) == ([], 2)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["path,label", "a.jpg,NORMAL"], "has the columns path, label; it needs path, label, patient_id"),
        (["path,label,patient_id", "a.jpg,covid,1"], "line 2 has the label 'covid'; allowed: NORMAL or 0"),
        (["path,label,patient_id", "a.jpg,0,"], "line 2 has no patient_id"),
        (["path,label,patient_id", ",0,1"], "line 2 has no path"),
        (["path,label,patient_id,split", "a.jpg,0,1,dev"], "line 2 has the split 'dev'; allowed: train"),
        (["path,label,patient_id,split", "a.jpg,0,1,test", "b.jpg,1,2,"], "filled in some lines only"),
        (["path,label,patient_id", "a.jpg,0,1"], "holds no film of class PNEUMONIA"),
        (["path,label,patient_id", "a.jpg"], "line 2 has the label ''"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_by_line(tmp_path: Path, lines: list[str], told: str) -> None:
    with pytest.raises(UserError, match=told) as caught:
        open_source(str(table(tmp_path, *lines)), tmp_path, 0)
    assert caught.value.code == 2


def write_dicom(path: Path, **tags: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(saved(dataset(**tags)))


def test_dicom_films_are_labelled_by_a_table_and_known_by_a_salted_hash(tmp_path: Path) -> None:
    for number, patient in enumerate(["MRN-1", "MRN-1", "MRN-2", "MRN-3"]):
        write_dicom(tmp_path / f"films/Doe_{number}.dcm", PatientID=patient)
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\nMRN-1,NORMAL\nMRN-2,PNEUMONIA\n")
    offer = open_source(str(tmp_path / "films"), tmp_path / "work", 0, labels)
    found, rejects = offer.films, offer.rejects
    again = open_source(str(tmp_path / "films"), tmp_path / "work", 0, labels).films
    other = open_source(str(tmp_path / "films"), tmp_path / "elsewhere", 0, labels).films
    assert [film.label for film in found] == [0, 0, 1]
    assert found[0].patient == found[1].patient != found[2].patient
    assert [film.patient for film in again] == [film.patient for film in found]
    assert {film.patient for film in other}.isdisjoint(film.patient for film in found)
    assert [(reject.path.name, reject.code) for reject in rejects] == [("Doe_3.dcm", "no_label")]
    for film in found:
        assert "MRN" not in f"{film.patient} {film.name}"
        assert "Doe" not in f"{film.name}"


def test_a_dicomdir_names_the_films_and_nothing_else_is_read(tmp_path: Path) -> None:
    from pydicom.fileset import FileSet

    file_set = FileSet()
    for patient in ("MRN-1", "MRN-2"):
        film = dataset(PatientID=patient, StudyDate="20260101", StudyTime="120000", AccessionNumber="1")
        film.StudyInstanceUID, film.SeriesInstanceUID = f"1.2.{patient[-1]}", f"1.2.{patient[-1]}.1"
        film.StudyID, film.SeriesNumber, film.InstanceNumber = patient[-1], 1, 1
        file_set.add(film)
    file_set.write(tmp_path / "disc")
    write_dicom(tmp_path / "disc/VIEWER/extra.dcm", PatientID="MRN-1")
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\nMRN-1,NORMAL\nMRN-2,PNEUMONIA\n")
    for source in (tmp_path / "disc", tmp_path / "disc/DICOMDIR"):
        offer = open_source(str(source), tmp_path / "work", 0, labels)
        assert [film.label for film in offer.films] == [0, 1]
        assert [(reject.code, reject.files) for reject in offer.rejects] == [("outside_layout", 1)]
        assert offer.found == 2 + 1 + offer.ignored


def test_the_salt_is_for_its_owner_only(tmp_path: Path) -> None:
    write_dicom(tmp_path / "films/NORMAL/a.dcm", PatientID="1")
    write_dicom(tmp_path / "films/PNEUMONIA/b.dcm", PatientID="2")
    open_source(str(tmp_path / "films"), tmp_path / "work", 0)
    assert (tmp_path / "work/patient-salt").stat().st_mode & 0o077 == 0


def test_dicom_files_without_labels_are_refused_with_both_ways_out(tmp_path: Path) -> None:
    write_dicom(tmp_path / "films/a.dcm")
    with pytest.raises(UserError, match=r"--labels FILE\.csv .*or put them into NORMAL and PNEUMONIA"):
        open_source(str(tmp_path / "films"), tmp_path, 0)


def test_an_id_with_two_labels_is_refused(tmp_path: Path) -> None:
    write_dicom(tmp_path / "films/a.dcm", PatientID="1")
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\n1,NORMAL\n1,PNEUMONIA\n")
    with pytest.raises(UserError, match="line 3 gives a second label"):
        open_source(str(tmp_path / "films"), tmp_path, 0, labels)
