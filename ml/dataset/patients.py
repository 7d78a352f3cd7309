"""Read patients from the file names of public collections.

The names of NIH ChestX-ray14, CheXpert, MIMIC-CXR and the phantoms are unambiguous one by one. Those of the Kaggle
collection are not: viewers such as Horos and OsiriX export every patient's images as IM-0001-0001.jpg. Its grammar
therefore counts only if all images of a source follow it.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ml.dataset.radiographs import CLASSES, Collection, SourceFile

KAGGLE: Collection = "chest-xray-pneumonia"


class Patient(NamedTuple):
    """A patient's key, the collection, and the subtype in the name ("" if there is none)."""

    key: str
    collection: Collection
    subtype: str = ""


NORMAL = re.compile(r"(?P<second>NORMAL2-)?IM-(?P<number>\d{4})-\d{4}(?:-\d{4})?", re.IGNORECASE)
PNEUMONIA = re.compile(r"person(?P<number>\d+)_(?P<subtype>bacteria|virus)_\d+(?:_\d+)?", re.IGNORECASE)
MENDELEY = re.compile(r"(?P<subtype>BACTERIA|VIRUS|NORMAL)-(?P<number>\d+)-\d+", re.IGNORECASE)
"""Names of the same images in their first publication, Mendeley Data 10.17632/rscbjbr9sj."""

UNAMBIGUOUS: tuple[tuple[Collection, re.Pattern[str]], ...] = (
    ("phantom", re.compile(r"(?:.*/)?phantom(\d+)-\d+", re.IGNORECASE)),
    # PPPPPPPP_FFF: patient (1 to 30,805) and follow-up. A wider range would take dates for patients.
    ("nih", re.compile(r"(?:.*/)?(000[0-3]\d{4})_\d{3}")),
    ("chexpert", re.compile(r"(?:.*/)?patient(\d{5})/study\d+/[^/]+")),
    ("mimic", re.compile(r"(?:.*/)?p(\d{8})/s\d{8}/[^/]+")),
)


def patient_of(path: Path, label: int) -> Patient | None:
    """Return the patient that a path names in any collection's grammar; None if it names none."""
    return unambiguous_patient(path) or kaggle_patient(path, label)


def unambiguous_patient(path: Path) -> Patient | None:
    """Return the patient that a path names in one of the grammars of UNAMBIGUOUS; None if it names none."""
    text = path.with_suffix("").as_posix()
    for collection, grammar in UNAMBIGUOUS:
        if match := grammar.fullmatch(text):
            return Patient(f"{collection}-{int(match[1])}", collection)
    return None


def kaggle_patient(path: Path, label: int) -> Patient | None:
    """Return the patient of an image of the Kaggle collection, which is in the folder of its class.

    The key is (subtype, number): the bacterial `person7` and the viral `person7` are different children, and IM-0001 is
    not NORMAL2-IM-0001.
    """
    if path.parent.name.strip().upper() != CLASSES[label]:
        return None
    if label == 0 and (match := NORMAL.fullmatch(path.stem)):
        subtype = "normal2" if match["second"] else "im"
        return Patient(f"{subtype}-{int(match['number'])}", KAGGLE, subtype)
    if label == 1 and (match := PNEUMONIA.fullmatch(path.stem)):
        subtype = match["subtype"].lower()
        return Patient(f"{subtype}-{int(match['number'])}", KAGGLE, subtype)
    if (match := MENDELEY.fullmatch(path.stem)) and (match["subtype"].upper() == "NORMAL") == (label == 0):
        subtype = match["subtype"].lower()
        return Patient(f"mendeley-{subtype}-{int(match['number'])}", KAGGLE, "" if label == 0 else subtype)
    return None


def collection_of(images: Iterable[SourceFile]) -> Collection | None:
    """Return the one collection whose grammar the names of all images follow; None if there is none."""
    patients = [patient_of(image.path, image.label) for image in images]
    collections = {patient.collection if patient else None for patient in patients}
    return collections.pop() if len(collections) == 1 else None


def named(image: SourceFile, collection: Collection | None) -> SourceFile:
    """Return an image with the patient and the subtype in its name; a patient from the source takes precedence.

    Args:
        collection: of the whole source.
    """
    patient = patient_of(image.path, image.label)
    if patient is None or (patient.collection == KAGGLE != collection):
        return image
    return replace(image, patient=image.patient or patient.key, subtype=patient.subtype)
