"""The data types of the preparation: source file, radiograph, reject, offer."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

CLASSES = ("NORMAL", "PNEUMONIA")
"""In label order: NORMAL is 0, PNEUMONIA is 1."""

Collection = Literal["chest-xray-pneumonia", "nih", "chexpert", "mimic", "phantom"]
"""A collection whose file names contain the patient."""

Views = Literal["frontal", "all"]
"""Which images are used: frontal and undeclared views of the chest, or every view and part of the body."""


@dataclass(frozen=True)
class SourceFile:
    """A file that a source offers.

    Attributes:
        path: the file, only ever read.
        label: index into CLASSES.
        split: "train", "test", or None if the source has no splits.
        patient: key of the patient; None if unknown.
        name: a name without personal data, if the file's own may contain some; None to use the file's.
        subtype: bacteria, virus, im or normal2 as in the file's name, or "".
    """

    path: Path
    label: int
    split: str | None
    patient: str | None = None
    name: str | None = None
    subtype: str = ""


@dataclass(frozen=True)
class Encoding:
    """How the source stored an image: a shortcut that a model could learn instead of the anatomy.

    Attributes:
        size: bytes of the file.
        width, height: pixels as stored.
        mode: Pillow's name of the pixel format, such as L or RGB; "DICOM" for DICOM files.
        quantisation: sum of the JPEG luminance quantisation table; 0 for other formats.
    """

    size: int
    width: int
    height: int
    mode: str
    quantisation: int


@dataclass(frozen=True)
class Radiograph:
    """A standardised radiograph.

    Attributes:
        name: unique file name in the data set, such as im-0115-0001.jpg.
        subtype: bacteria, virus, im or normal2 as in the file's name, or "".
        patient: key of the patient; None if unknown.
        pixels: SHA-256 of the standardised pixels.
        stored: bytes of the standardised file.
        encoding: of the source's file.
        notes: sentences about tags of the file that were dropped or that its user must know.
    """

    source: Path
    label: int
    split: str | None
    name: str
    subtype: str
    patient: str | None
    pixels: str
    stored: int
    encoding: Encoding
    notes: tuple[str, ...] = ()


OUTSIDE, NO_IMAGE, UNLABELLED = "outside_layout", "not_an_image", "unlabelled"
SURPLUS, WRONG_VIEW = "surplus", "wrong_view"


@dataclass(frozen=True)
class Reject:
    """A file, or a folder of files, that was left out, and the reason.

    Attributes:
        code: one of radiograph.CODES, "unreadable", "no_label" or "no_file"; OUTSIDE for files where the source's
            layout has no images; NO_IMAGE for files beside images that are not images;
            UNLABELLED for rows with a blank or uncertain label; SURPLUS for images beyond the last whole batch of
            validation. WRONG_VIEW, one of radiograph.CODES, does not count as unusable: collections hold laterals
            beside frontal images.
        files: number of files that it stands for.
    """

    path: Path
    code: str
    reason: str
    files: int = 1

    @property
    def unusable(self) -> bool:
        """Whether an image was expected but cannot be used."""
        return self.code not in (OUTSIDE, NO_IMAGE, UNLABELLED, SURPLUS, WRONG_VIEW)


@dataclass(frozen=True)
class Offer:
    """The files of a source. `images`, `rejects` and `ignored` add up to `found`.

    Attributes:
        images: the files to read.
        rejects: the files that are left out unread.
        ignored: number of files ignored by name, such as .DS_Store.
        found: number of files in the source.
        collection: the collection whose naming all images follow; None if there is none.
    """

    images: list[SourceFile]
    rejects: list[Reject] = field(default_factory=list)
    ignored: int = 0
    found: int = 0
    collection: Collection | None = None


def label_of(text: str) -> int | None:
    """Return the label of a class name (in any case) or a label number; None for anything else."""
    word = text.strip().upper()
    if word in CLASSES:
        return CLASSES.index(word)
    number = {"FALSE": "0", "TRUE": "1"}.get(word, word).replace(",", ".")
    return int(float(number)) if re.fullmatch(r"[01](\.0*)?", number) else None


def is_blank(text: str) -> bool:
    """Return whether a cell is blank, or has one of the words that programs write for blank cells."""
    return text.strip().upper() in {"", "NA", "N/A", "NAN", "NULL"}


def is_uncertain(text: str) -> bool:
    """Return whether a label is -1, as in CheXpert and MIMIC-CXR, or the word."""
    return re.fullmatch(r"-1([.,]0*)?|UNCERTAIN", text.strip().upper()) is not None
