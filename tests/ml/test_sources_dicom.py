"""DICOM sources: each file is known by its own tags, and of them only salted hashes go further."""

from pathlib import Path

import pytest

from ml.dataset.radiographs import Offer
from ml.dataset.sources import open_source
from ml.errors import UserError
from tests.radiograph.dicom_files import dataset, saved

from .conftest import write_image


def write_dicom(path: Path, **tags: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(saved(dataset(**tags)))


def test_dicom_images_are_labelled_by_a_table_and_known_by_a_salted_hash(tmp_path: Path) -> None:
    for number, patient in enumerate(["MRN-1", "MRN-1", "MRN-2", "MRN-3"]):
        write_dicom(tmp_path / f"images/Doe_{number}.dcm", PatientID=patient)
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\nMRN-1,NORMAL\nMRN-2,PNEUMONIA\n")
    offer = open_source(str(tmp_path / "images"), tmp_path / "work", 0, labels)
    images, rejects = offer.images, offer.rejects
    again = open_source(str(tmp_path / "images"), tmp_path / "work", 0, labels).images
    other = open_source(str(tmp_path / "images"), tmp_path / "elsewhere", 0, labels).images
    assert [image.label for image in images] == [0, 0, 1]
    assert images[0].patient == images[1].patient != images[2].patient
    assert [image.patient for image in again] == [image.patient for image in images]
    assert {image.patient for image in other}.isdisjoint(image.patient for image in images)
    assert [(reject.path.name, reject.code) for reject in rejects] == [("Doe_3.dcm", "no_label")]
    for image in images:
        assert "MRN" not in f"{image.patient} {image.name}"
        assert "Doe" not in f"{image.name}"


def write_medium(folder: Path, *patients: str) -> Path:
    """Write a DICOM medium with one image of each patient."""
    from pydicom.fileset import FileSet

    file_set = FileSet()
    for patient in patients or ("MRN-1", "MRN-2"):
        image = dataset(PatientID=patient, StudyDate="20260101", StudyTime="120000", AccessionNumber="1")
        image.StudyInstanceUID, image.SeriesInstanceUID = f"1.2.{patient[-1]}", f"1.2.{patient[-1]}.1"
        image.StudyID, image.SeriesNumber, image.InstanceNumber = patient[-1], 1, 1
        file_set.add(image)
    file_set.write(folder)
    return folder


def test_a_dicomdir_names_the_images_and_nothing_else_is_read(tmp_path: Path) -> None:
    write_medium(tmp_path / "disc")
    write_dicom(tmp_path / "disc/VIEWER/extra.dcm", PatientID="MRN-1")
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\nMRN-1,NORMAL\nMRN-2,PNEUMONIA\n")
    for source in (tmp_path / "disc", tmp_path / "disc/DICOMDIR"):
        offer = open_source(str(source), tmp_path / "work", 0, labels)
        assert [image.label for image in offer.images] == [0, 1]
        assert [(reject.code, reject.files) for reject in offer.rejects] == [("outside_layout", 1)]
        assert offer.found == 2 + 1 + offer.ignored


def test_a_medium_that_was_copied_in_lower_case_is_read(tmp_path: Path) -> None:
    for path in [*write_medium(tmp_path / "disc").rglob("*")][::-1]:
        path.rename(path.with_name(path.name.lower()))
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\nMRN-1,NORMAL\nMRN-2,PNEUMONIA\n")
    for source in (tmp_path / "disc", tmp_path / "disc/dicomdir"):
        offer = open_source(str(source), tmp_path / "work", 0, labels)
        assert [image.label for image in offer.images] == [0, 1]
        assert offer.rejects == []


def test_the_salt_is_for_its_owner_only(tmp_path: Path) -> None:
    write_dicom(tmp_path / "images/NORMAL/a.dcm", PatientID="1")
    write_dicom(tmp_path / "images/PNEUMONIA/b.dcm", PatientID="2")
    open_source(str(tmp_path / "images"), tmp_path / "work", 0)
    assert (tmp_path / "work/patient-salt").stat().st_mode & 0o077 == 0


def test_dicom_files_without_labels_are_refused_with_both_ways_out(tmp_path: Path) -> None:
    write_dicom(tmp_path / "images/a.dcm")
    with pytest.raises(UserError, match=r"--labels FILE\.csv .*NORMAL and PNEUMONIA"):
        open_source(str(tmp_path / "images"), tmp_path, 0)


def test_an_id_with_two_labels_is_refused(tmp_path: Path) -> None:
    write_dicom(tmp_path / "images/a.dcm", PatientID="1")
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\n1,NORMAL\n1,PNEUMONIA\n")
    with pytest.raises(UserError, match="line 3 gives a second label"):
        open_source(str(tmp_path / "images"), tmp_path, 0, labels)


def labelled(folder: Path, *lines: str) -> Offer:
    labels = folder / "labels.csv"
    labels.write_text("\n".join(["id,label", *lines]) + "\n")
    return open_source(str(folder / "images"), folder / "work", 0, labels)


@pytest.mark.parametrize("beside", ["LICENSE.txt", "AAA/notes.txt", "NORMAL/0_preview.jpeg", "NORMAL/Z.jpeg"])
def test_a_dicom_file_is_known_by_its_tags_whatever_lies_beside_it(tmp_path: Path, beside: str) -> None:
    for folder in ("NORMAL", "PNEUMONIA"):
        for number in range(2):
            write_dicom(tmp_path / f"images/train/{folder}/Doe_{number}.dcm", PatientID=f"MRN-{folder}")
    if beside.endswith(".jpeg"):
        write_image(tmp_path / "images/train" / beside, 0)
    else:
        (tmp_path / "images" / beside).parent.mkdir(exist_ok=True)
        (tmp_path / "images" / beside).write_text("CC BY 4.0")
    offer = open_source(str(tmp_path / "images"), tmp_path / "work", 0)
    images = [image for image in offer.images if image.path.suffix == ".dcm"]
    assert len(images) == 4
    assert len({image.patient for image in images}) == 2
    for image in images:
        assert image.patient is not None
        assert image.patient.startswith("dicom-")
        assert "doe" not in f"{image.patient} {image.name}".lower()
    assert len(offer.images) + len(offer.rejects) == offer.found == 5
    assert not any(reject.unusable for reject in offer.rejects)


def test_labels_name_the_dicom_files_of_a_folder_with_a_licence(tmp_path: Path) -> None:
    write_dicom(tmp_path / "images/a.dcm", PatientID="1")
    write_dicom(tmp_path / "images/b.dcm", PatientID="2")
    (tmp_path / "images/LICENSE.txt").write_text("CC BY 4.0")
    offer = labelled(tmp_path, "1,NORMAL", "2,PNEUMONIA")
    assert [image.label for image in offer.images] == [0, 1]
    assert [(reject.path.name, reject.code, reject.unusable) for reject in offer.rejects] == [
        ("LICENSE.txt", "not_an_image", False)
    ]


def test_labels_name_files_with_or_without_suffix_whatever_their_format(tmp_path: Path) -> None:
    write_image(tmp_path / "images/deep/a.jpeg", 0)
    write_image(tmp_path / "images/b.2.jpeg", 1)
    write_dicom(tmp_path / "images/c.dcm", PatientID="1")
    offer = labelled(tmp_path, "a.jpeg,NORMAL", "b.2,PNEUMONIA", "c,PNEUMONIA")
    assert {image.path.name: image.label for image in offer.images} == {"a.jpeg": 0, "b.2.jpeg": 1, "c.dcm": 1}


def test_labels_that_name_no_file_are_refused_with_an_id_and_a_file(tmp_path: Path) -> None:
    write_dicom(tmp_path / "images/a.dcm", PatientID="1")
    with pytest.raises(UserError, match=r"labels\.csv .*'film-9'.*'a\.dcm'") as caught:
        labelled(tmp_path, "film-9,NORMAL", "film-10,PNEUMONIA")
    assert caught.value.code == 2


def test_an_empty_id_is_refused_with_its_line(tmp_path: Path) -> None:
    write_dicom(tmp_path / "images/a.dcm", PatientID="1")
    with pytest.raises(UserError, match="line 4 has no id") as caught:
        labelled(tmp_path, "1,NORMAL", "2,PNEUMONIA", " ,PNEUMONIA")
    assert caught.value.code == 2


@pytest.mark.parametrize("tags", [{"PatientID": ""}, {"PatientID": None}, {"PatientID": "  "}])
def test_an_absent_tag_is_no_id(tmp_path: Path, tags: dict[str, str]) -> None:
    write_dicom(tmp_path / "images/a.dcm", PatientID="1")
    write_dicom(tmp_path / "images/b.dcm", PatientID="2")
    write_dicom(tmp_path / "images/c.dcm", **tags)
    offer = labelled(tmp_path, "1,NORMAL", "2,PNEUMONIA")
    assert [image.path.name for image in offer.images] == ["a.dcm", "b.dcm"]
    assert [(reject.path.name, reject.code) for reject in offer.rejects] == [("c.dcm", "no_label")]


def test_without_a_patient_id_the_study_is_the_patient_and_without_both_it_is_unknown(tmp_path: Path) -> None:
    for name, tags in {
        "NORMAL/a.dcm": {"StudyInstanceUID": "1.2.3"},
        "NORMAL/b.dcm": {"StudyInstanceUID": "1.2.3"},
        "PNEUMONIA/c.dcm": {"StudyInstanceUID": "1.2.4"},
        "PNEUMONIA/d.dcm": {},
        "PNEUMONIA/person7_virus_1.dcm": {},
    }.items():
        write_dicom(tmp_path / "images" / name, PatientID="", **tags)
    offer = open_source(str(tmp_path / "images"), tmp_path / "work", 0)
    first, second, third, *unknown = [image.patient for image in offer.images]
    assert first == second != third
    assert unknown == [None, None]
    assert len({image.name for image in offer.images}) == 5
    assert not any("1.2." in f"{image.patient} {image.name}" for image in offer.images)


def test_a_dicom_file_in_a_table_keeps_the_tables_patient_and_loses_its_name(tmp_path: Path) -> None:
    write_dicom(tmp_path / "images/Doe_Jane.dcm", PatientID="MRN-1")
    write_image(tmp_path / "images/b.jpg", 0)
    (tmp_path / "images.csv").write_text("path,label,patient_id\nimages/Doe_Jane.dcm,0,7\nimages/b.jpg,1,8\n")
    image, _ = open_source(str(tmp_path / "images.csv"), tmp_path / "work", 0).images
    assert image.patient == "table-7"
    assert image.name is not None
    assert "doe" not in image.name.lower()
    assert "MRN" not in image.name


def test_a_file_that_the_dicomdir_names_and_nobody_has_is_left_out(tmp_path: Path) -> None:
    write_medium(tmp_path / "images", "1", "2", "3")
    gone = sorted(path for path in (tmp_path / "images").rglob("*") if path.is_file() and path.name != "DICOMDIR")[-1]
    gone.unlink()
    offer = labelled(tmp_path, "1,NORMAL", "2,PNEUMONIA", "3,PNEUMONIA")
    assert len(offer.images) == 2
    assert [(reject.path, reject.code, reject.unusable) for reject in offer.rejects] == [(gone, "no_file", True)]
    assert offer.found == 2 + 1 + offer.ignored
