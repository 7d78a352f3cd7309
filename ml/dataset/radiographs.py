"""One radiograph on its way through the preparation."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

CLASSES = ("NORMAL", "PNEUMONIA")
"""In label order: NORMAL is 0, PNEUMONIA is 1."""

Collection = Literal["chest-xray-pneumonia", "nih", "chexpert", "mimic", "phantom"]
"""A collection whose file names tell the patient."""


@dataclass(frozen=True)
class SourceFile:
    """A file that a source offers.

    Attributes:
        path: the file, only ever read.
        label: index into CLASSES.
        split: "train", "test", or None where the source leaves the split to us.
        patient: key of the patient; None where nobody knows whose image it is.
        name: a name that tells nothing of the person, where the file's own might; None to use the file's.
        subtype: what the source's name says beyond the class: bacteria, virus, im, normal2, or "".
    """

    path: Path
    label: int
    split: str | None
    patient: str | None = None
    name: str | None = None
    subtype: str = ""


@dataclass(frozen=True)
class Encoding:
    """How the source stored an image: what a model could read instead of the anatomy.

    Attributes:
        size: bytes of the file.
        width, height: pixels as stored.
        mode: Pillow's name of the pixel format, such as L or RGB; "DICOM" for those.
        quantisation: sum of the JPEG luminance quantisation table, 0 for other formats.
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
        subtype: what the source's name says beyond the class: bacteria, virus, im, normal2, or "".
        patient: key of the patient; None where nobody knows whose image it is.
        pixels: SHA-256 of the standardised pixels.
        stored: bytes of the standardised file.
        encoding: of the source's file.
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


OUTSIDE, NO_IMAGE = "outside_layout", "not_an_image"


@dataclass(frozen=True)
class Reject:
    """A file, or a folder of files, that was left out, and why.

    Attributes:
        code: of radiograph.CODES, "unreadable", "no_label" or "no_file"; OUTSIDE for files that lie where the source's
            layout has no images; NO_IMAGE for files of another kind beside images.
        files: how many files it stands for.
    """

    path: Path
    code: str
    reason: str
    files: int = 1

    @property
    def unusable(self) -> bool:
        """Whether it was offered as an image and could not be used."""
        return self.code not in (OUTSIDE, NO_IMAGE)


@dataclass(frozen=True)
class Offer:
    """What a source offers. The files of `images`, `rejects` and `ignored` add up to `found`.

    Attributes:
        images: the files to read.
        rejects: the files that are left out before any is read.
        ignored: number of files ignored by name, such as .DS_Store.
        found: number of files in the source.
        collection: the collection whose names all images have; None where there is none.
    """

    images: list[SourceFile]
    rejects: list[Reject] = field(default_factory=list)
    ignored: int = 0
    found: int = 0
    collection: Collection | None = None


def label_of(text: str) -> int | None:
    """Return the label that a class name (in any case) or a label number stands for; None for anything else."""
    word = text.strip().upper()
    if word in CLASSES:
        return CLASSES.index(word)
    return int(word) if word in {"0", "1"} else None
