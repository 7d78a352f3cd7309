"""Images that a table or a name declares as lateral are left out and counted, and `--views all` keeps them."""

from collections import Counter
from pathlib import Path

import pytest

from ml.dataset.radiographs import Offer, Views
from ml.dataset.sources import Findings, open_source
from ml.dataset.sources.views import is_frontal
from ml.errors import UserError

from .conftest import write_image

DEFAULT = Findings()
PADCHEST = Findings(("pneumonia",), ("normal",), given=True)
TABLES: dict[str, tuple[str, str, list[str], Findings]] = {
    "chexpert": (
        "Path,Frontal/Lateral,AP/PA,No Finding,Pneumonia",
        "CheXpert-v1.0-small/train/patient{n:05d}/study1/view1_x.jpg,{view},{finding}",
        ["Frontal,PA", "Frontal,AP", "Frontal,", "Lateral,", "Frontal,LL"],
        DEFAULT,
    ),
    "mimic": (
        "dicom_id,subject_id,study_id,ViewPosition,No Finding,Pneumonia",
        "image{n},1000000{n},5000000{n},{view},{finding}",
        ["PA", "AP AXIAL", "", "LATERAL", "LL"],
        DEFAULT,
    ),
    "nih": (
        "Image Index,Patient ID,View Position,No Finding,Pneumonia",
        "image{n}.jpg,{n},{view},{finding}",
        ["PA", "AP", "AP", "LL", "RL"],
        DEFAULT,
    ),
    "padchest": (
        "ImageID,PatientID,Projection,Labels",
        "image{n}.jpg,{n},{view},{labels}",
        ["PA", "AP_horizontal", "UNK", "L", "COSTAL"],
        PADCHEST,
    ),
    "own": (
        "path,label,patient_id,view",
        "image{n}.jpg,{n},{n},{view}",
        ["PA", "AP Supine", "", "L", "Axial"],
        DEFAULT,
    ),
}


def opened(folder: Path, name: str, views: Views) -> Offer:
    """Write a table of five images, the last two of other views, with the images, and open it."""
    header, line, declared, findings = TABLES[name]
    lines = []
    for n, view in enumerate(declared):
        finding, labels = ("1.0,", "['normal']") if n % 2 == 0 else (",1.0", "\"['pneumonia', 'effusion']\"")
        text = line.format(n=n, view=view, finding=finding, labels=labels)
        lines.append(text.replace(f",{n},{n},", f",{n % 2},{n},") if name == "own" else text)
        path = f"train/patient{n:05d}/study1/view1_x.jpg" if name == "chexpert" else f"image{n}.jpg"
        write_image(folder / "images" / path, n)
    (folder / "images/table.csv").write_text("\n".join([header, *lines]) + "\n")
    return open_source(str(folder / "images/table.csv"), folder / "work", 0, None, findings, views)


@pytest.mark.parametrize("name", TABLES)
def test_declared_laterals_in_a_table_are_left_out_and_counted_and_an_option_keeps_them(
    tmp_path: Path, name: str
) -> None:
    offer = opened(tmp_path, name, "frontal")
    assert [image.label for image in sorted(offer.images, key=lambda image: image.path)] == [0, 1, 0]
    codes: Counter[str] = Counter()
    for reject in offer.rejects:
        codes[reject.code] += reject.files
    assert codes["wrong_view"] == 2
    assert not any(reject.unusable for reject in offer.rejects)
    assert len(offer.images) + codes.total() + offer.ignored == offer.found
    assert len(opened(tmp_path, name, "all").images) == 5


def test_chexperts_names_declare_laterals_without_a_column(tmp_path: Path) -> None:
    for n, name in enumerate(["view1_frontal", "view2_lateral", "view3_frontal"]):
        for label, folder in enumerate(("NORMAL", "PNEUMONIA")):
            write_image(tmp_path / f"images/{folder}/patient{n + 10 * label:05d}/study1/{name}.jpg", n + 10 * label)
    offer = open_source(str(tmp_path / "images"), tmp_path / "work", 0)
    assert len(offer.images) == 4
    assert [(reject.path.stem, reject.code) for reject in offer.rejects] == [("view2_lateral", "wrong_view")] * 2
    every = open_source(str(tmp_path / "images"), tmp_path / "work", 0, None, DEFAULT, "all")
    assert (len(every.images), every.rejects) == (6, [])


@pytest.mark.parametrize(
    "view", ["PA", "ap", "AP_horizontal", "AP Supine", "Frontal", "PA LLD", "LEFT LATERAL DECUBITUS"]
)
def test_frontal_views_may_have_a_position(view: str) -> None:
    assert is_frontal(view)


@pytest.mark.parametrize(
    "view", ["L", "LL", "RL", "LAO", "Lateral", "AP LATERAL", "SWIMMERS", "COSTAL", "EXCLUDE", "1"]
)
def test_every_other_declared_view_is_not_frontal(view: str) -> None:
    assert not is_frontal(view)


def test_a_table_with_other_views_only_is_refused_with_the_views(tmp_path: Path) -> None:
    lines = ["path,label,patient_id,view", "a.jpg,0,1,view1", "b.jpg,1,2,view1"]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(UserError, match=r"(?s)no image of class NORMAL.*\(2 files\).*'view1'.*--views all"):
        open_source(str(tmp_path / "t.csv"), tmp_path / "work", 0)
