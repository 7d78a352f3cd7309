"""Read DICOM tags as hospitals write them, and decide by them whether a file is a frontal chest radiograph."""

from __future__ import annotations

import math
import re
import struct
from typing import Any, Final

from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.uid import UID

from radiograph.errors import ImageError

MODALITIES: Final = ("CR", "DX", "RG")
"""Computed, digital and digitised film radiography, the modalities of projection radiographs (PS3.3 C.7.3.1.1.1)."""

_RADIOGRAPHY: Final = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("1", "1.1", "1.1.1")
)  # Computed Radiography; Digital X-Ray, for presentation and for processing (PS3.4 B.5)
_SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
_BINARY: Final = {"US": "H", "SS": "h", "US or SS": "H", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
"""Format of `struct` by value representation. LUTDescriptor and PixelPaddingValue are "US or SS" in implicit VR."""
_LATERAL: Final = frozenset({"LL", "RL", "LLO", "RLO", "LAO", "RAO", "LPO", "RPO", "LATERAL", "LAT", "OBLIQUE"})
_CHEST: Final = frozenset({"CHEST", "THORAX", "LUNG", "LUNGS"})
_OTHER_PARTS: Final = (
    " ABDOMEN ANKLE ARM BREAST CALCANEUS CLAVICLE COCCYX CSPINE ELBOW EXTREMITY FACE FEMUR FINGER FOOT FOREARM HAND "
    "HEAD HIP HUMERUS JAW KNEE LEG LSPINE MANDIBLE NECK NOSE ORBIT PATELLA PELVIS SACRUM SCAPULA SHOULDER SINUS SKULL "
    "SPINE SSPINE STERNUM TIBIA TOE TSPINE WRIST ZYGOMA "
)  # PS3.16 Annex L, of the parts that radiography shows


def texts(dataset: Dataset, keyword: str) -> list[str]:
    """Return a tag's values as texts without padding; an empty list if the tag is absent or empty.

    pydicom would convert the values, and raise an error for a number with a decimal comma.
    """
    tag = tag_for_keyword(keyword)
    element = dataset.get_item(tag) if tag is not None and tag in dataset else None
    values: Any = dataset.get(keyword) if not isinstance(element, RawDataElement) else _raw_values(element)
    if values is None:
        return []
    listed = [values] if isinstance(values, (str, bytes, int, float)) else list(values)
    stripped = [str(value).strip("\0 \t\r\n") for value in listed]
    return stripped if any(stripped) else []


def _raw_values(element: RawDataElement) -> list[Any]:
    """Return the values of an element as read. Without a usable value representation, the dictionary's applies."""
    data, representation = element.value or b"", element.VR
    if representation in (None, "UN", "OB"):
        representation = dictionary_VR(element.tag)
    if representation not in _BINARY:
        return list(data.decode("latin-1").split("\\"))
    letter = _BINARY[representation]
    count = len(data) // struct.calcsize(letter)
    return list(struct.unpack_from(f"{'<' if element.is_little_endian else '>'}{count}{letter}", data))


def code(dataset: Dataset, keyword: str) -> str:
    """Return a tag's first value in upper case; "" if it is absent."""
    return next(iter(texts(dataset, keyword)), "").upper()


def numbers(dataset: Dataset, keyword: str) -> list[float]:
    """Return a tag's finite numbers; a value that is no number is left out."""
    return [value for value in numbers_in_place(dataset, keyword) if value is not None]


def numbers_in_place(dataset: Dataset, keyword: str) -> list[float | None]:
    """Return a number for each of a tag's values, None if it is not finite. A decimal comma is read as a point."""
    values: list[float | None] = []
    for text in texts(dataset, keyword):
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            value = math.nan
        values.append(value if math.isfinite(value) else None)
    return values


def integer(dataset: Dataset, keyword: str, default: int) -> int:
    """Return a tag's first number as an integer, or the default if it is absent."""
    return int(next(iter(numbers(dataset, keyword)), default))


def check_modality(dataset: Dataset) -> None:
    """Raise ImageError (wrong_modality) unless Modality or, without it, the SOP class says radiography."""
    modality = code(dataset, "Modality")
    if not re.fullmatch(r"[A-Z0-9 _]{0,16}", modality):  # CS, PS3.5 6.2
        raise ImageError("broken", "Received a DICOM file whose element Modality is damaged; export the file again.")
    classes = texts(dataset, "SOPClassUID") or texts(dataset.file_meta, "MediaStorageSOPClassUID")
    sop_class = UID(next(iter(classes), ""))
    known = sop_class.startswith("1.2.840.10008.") and sop_class.name != sop_class
    radiography = sop_class in _RADIOGRAPHY
    if modality in MODALITIES and (radiography or not known or sop_class.startswith(_SECONDARY_CAPTURE)):
        return
    if not modality and radiography:
        return
    name = sop_class.name if known else "unknown"
    raise ImageError(
        "wrong_modality",
        f"Received a DICOM file of modality {modality or 'none'} and SOP class {name}; "
        f"{', '.join(MODALITIES)} are allowed: send a chest radiograph.",
    )


def check_view(dataset: Dataset) -> None:
    """Raise ImageError (wrong_view) if the tags declare a lateral or oblique view, or another part of the body."""
    advice = "frontal views (AP, PA) of the chest are allowed: send the frontal image."
    view = code(dataset, "ViewPosition")
    sequence = dataset.get("ViewCodeSequence")
    meaning = code(sequence[0], "CodeMeaning") if sequence else ""
    directions = {text[:1].upper() for text in texts(dataset, "PatientOrientation")}
    described = next((text for text in (view, meaning) if _is_lateral(text)), None)
    if described is None and directions & {"A", "P"}:
        described = "LATERAL"
    if described is not None:
        raise ImageError("wrong_view", f"Received a DICOM image of view {shown(described)}; {advice}")
    part = code(dataset, "BodyPartExamined")
    terms = set(re.split(r"[^A-Z]+", part))
    if any(f" {term} " in _OTHER_PARTS for term in terms) and not terms & _CHEST:
        raise ImageError("wrong_view", f"Received a DICOM image of body part {shown(part)}; {advice}")


def _is_lateral(view: str) -> bool:
    # A decubitus view is frontal: only the patient lies on the side.
    terms = set(re.split(r"[^A-Z]+", view))
    return bool(terms & _LATERAL) and "DECUBITUS" not in terms


def shown(value: str) -> str:
    """Return a code for a message; a longer text may contain personal data."""
    return value if len(value) <= 16 and re.fullmatch(r"[A-Z0-9 _-]+", value) else "unknown"


def notes_of(dataset: Dataset) -> list[str]:
    """Return a sentence about each tag that does not refuse the image, but that its user must know."""
    notes = []
    if code(dataset, "BurnedInAnnotation") == "YES":
        notes.append("BurnedInAnnotation is YES: the pixels may show personal data.")
    if code(dataset, "PresentationIntentType") == "FOR PROCESSING":
        notes.append("PresentationIntentType is FOR PROCESSING: the image is not prepared for viewing.")
    return notes


def turns(dataset: Dataset, notes: list[str]) -> int:
    """Return by how many quarter turns clockwise the image becomes upright by PatientOrientation (PS3.3 C.7.6.1.1.1).

    Add a note for a turned and for a mirrored image. A mirrored image stays mirrored, because the tag is often wrong.
    """
    directions = [text[:1].upper() for text in texts(dataset, "PatientOrientation")]
    opposite = {"L": "R", "R": "L", "H": "F", "F": "H"}
    if len(directions) != 2 or not set(directions) <= opposite.keys():
        return 0
    row, column = directions
    if (row in "LR") == (column in "LR"):
        return 0
    count = 0
    right, down = row, column
    while down != "F":
        right, down, count = opposite[down], right, count + 1
    if count:
        notes.append(f"PatientOrientation is {row}, {column}: the image was turned by {90 * count} degrees.")
    if right == "R":
        notes.append("PatientOrientation says that the image is mirrored: left and right are exchanged.")
    return count
