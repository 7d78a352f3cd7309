"""DICOM sources: each file is known by its own tags, and of them only salted hashes go further."""

from pathlib import Path

import pytest

from ml.dataset.radiographs import Offer
from ml.dataset.sources import open_source
from ml.errors import UserError
from tests.radiograph.test_dicom import dataset, saved

from .conftest import write_film


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


def labelled(folder: Path, *lines: str) -> Offer:
    labels = folder / "labels.csv"
    labels.write_text("\n".join(["id,label", *lines]) + "\n")
    return open_source(str(folder / "films"), folder / "work", 0, labels)


@pytest.mark.parametrize("beside", ["LICENSE.txt", "AAA/notes.txt", "NORMAL/0_preview.jpeg", "NORMAL/Z.jpeg"])
def test_a_dicom_file_is_known_by_its_tags_whatever_lies_beside_it(tmp_path: Path, beside: str) -> None:
    for folder in ("NORMAL", "PNEUMONIA"):
        for number in range(2):
            write_dicom(tmp_path / f"films/train/{folder}/Doe_{number}.dcm", PatientID=f"MRN-{folder}")
    if beside.endswith(".jpeg"):
        write_film(tmp_path / "films/train" / beside, 0)
    else:
        (tmp_path / "films" / beside).parent.mkdir(exist_ok=True)
        (tmp_path / "films" / beside).write_text("CC BY 4.0")
    offer = open_source(str(tmp_path / "films"), tmp_path / "work", 0)
    films = [film for film in offer.films if film.path.suffix == ".dcm"]
    assert len(films) == 4
    assert len({film.patient for film in films}) == 2
    for film in films:
        assert film.patient is not None
        assert film.patient.startswith("dicom-")
        assert "doe" not in f"{film.patient} {film.name}".lower()
    assert len(offer.films) + len(offer.rejects) == offer.found == 5
    assert not any(reject.unusable for reject in offer.rejects)


def test_labels_name_the_dicom_files_of_a_folder_with_a_licence(tmp_path: Path) -> None:
    write_dicom(tmp_path / "films/a.dcm", PatientID="1")
    write_dicom(tmp_path / "films/b.dcm", PatientID="2")
    (tmp_path / "films/LICENSE.txt").write_text("CC BY 4.0")
    offer = labelled(tmp_path, "1,NORMAL", "2,PNEUMONIA")
    assert [film.label for film in offer.films] == [0, 1]
    assert [(reject.path.name, reject.code, reject.unusable) for reject in offer.rejects] == [
        ("LICENSE.txt", "not_an_image", False)
    ]


def test_labels_are_refused_for_a_folder_without_dicom_files(tmp_path: Path) -> None:
    write_film(tmp_path / "films/NORMAL/a.jpeg", 0)
    with pytest.raises(UserError, match="holds no DICOM file"):
        labelled(tmp_path, "a.jpeg,NORMAL")


def test_an_empty_id_is_refused_with_its_line(tmp_path: Path) -> None:
    write_dicom(tmp_path / "films/a.dcm", PatientID="1")
    with pytest.raises(UserError, match="line 4 has no id") as caught:
        labelled(tmp_path, "1,NORMAL", "2,PNEUMONIA", " ,PNEUMONIA")
    assert caught.value.code == 2


@pytest.mark.parametrize("tags", [{"PatientID": ""}, {"PatientID": None}, {"PatientID": "  "}])
def test_an_absent_tag_is_no_id(tmp_path: Path, tags: dict[str, str]) -> None:
    write_dicom(tmp_path / "films/a.dcm", PatientID="1")
    write_dicom(tmp_path / "films/b.dcm", PatientID="2")
    write_dicom(tmp_path / "films/c.dcm", **tags)
    offer = labelled(tmp_path, "1,NORMAL", "2,PNEUMONIA")
    assert [film.path.name for film in offer.films] == ["a.dcm", "b.dcm"]
    assert [(reject.path.name, reject.code) for reject in offer.rejects] == [("c.dcm", "no_label")]


def test_without_a_patient_id_the_study_is_the_patient_and_without_both_it_is_unknown(tmp_path: Path) -> None:
    for name, tags in {
        "NORMAL/a.dcm": {"StudyInstanceUID": "1.2.3"},
        "NORMAL/b.dcm": {"StudyInstanceUID": "1.2.3"},
        "PNEUMONIA/c.dcm": {"StudyInstanceUID": "1.2.4"},
        "PNEUMONIA/d.dcm": {},
        "PNEUMONIA/person7_virus_1.dcm": {},
    }.items():
        write_dicom(tmp_path / "films" / name, PatientID="", **tags)
    offer = open_source(str(tmp_path / "films"), tmp_path / "work", 0)
    first, second, third, *unknown = [film.patient for film in offer.films]
    assert first == second != third
    assert unknown == [None, None]
    assert len({film.name for film in offer.films}) == 5
    assert not any("1.2." in f"{film.patient} {film.name}" for film in offer.films)


def test_a_dicom_file_in_a_table_keeps_the_tables_patient_and_loses_its_name(tmp_path: Path) -> None:
    write_dicom(tmp_path / "Doe_Jane.dcm", PatientID="MRN-1")
    write_film(tmp_path / "b.jpg", 0)
    (tmp_path / "films.csv").write_text("path,label,patient_id\nDoe_Jane.dcm,0,7\nb.jpg,1,8\n")
    film, _ = open_source(str(tmp_path / "films.csv"), tmp_path / "work", 0).films
    assert film.patient == "table-7"
    assert film.name is not None
    assert "doe" not in film.name.lower()
    assert "MRN" not in film.name


def test_a_file_that_the_dicomdir_names_and_nobody_has_is_left_out(tmp_path: Path) -> None:
    from pydicom.fileset import FileSet

    file_set = FileSet()
    for patient in ("1", "2", "3"):
        film = dataset(PatientID=patient, StudyDate="20260101", StudyTime="120000", AccessionNumber="1")
        film.StudyInstanceUID, film.SeriesInstanceUID = f"1.2.{patient}", f"1.2.{patient}.1"
        film.StudyID, film.SeriesNumber, film.InstanceNumber = patient, 1, 1
        file_set.add(film)
    file_set.write(tmp_path / "films")
    gone = sorted(path for path in (tmp_path / "films").rglob("*") if path.is_file() and path.name != "DICOMDIR")[-1]
    gone.unlink()
    offer = labelled(tmp_path, "1,NORMAL", "2,PNEUMONIA", "3,PNEUMONIA")
    assert len(offer.films) == 2
    assert [(reject.path, reject.code, reject.unusable) for reject in offer.rejects] == [(gone, "no_file", True)]
    assert offer.found == 2 + 1 + offer.ignored
