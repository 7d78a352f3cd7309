"""One radiograph on its way through the preparation."""

from dataclasses import dataclass
from pathlib import Path

CLASSES = ("NORMAL", "PNEUMONIA")
"""In label order: NORMAL is 0, PNEUMONIA is 1."""


@dataclass(frozen=True)
class Found:
    """A file that a source offers.

    Attributes:
        path: the file, only ever read.
        label: index into CLASSES.
        split: "train", "test", or None where the source leaves the split to us.
        patient: key of the patient where the source knows it; None where the file's name has to tell.
        name: a name that tells nothing of the person, where the file's own might; None to use the file's.
    """

    path: Path
    label: int
    split: str | None
    patient: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class Encoding:
    """How the source stored a film: what a model could read instead of the anatomy.

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
class Film:
    """A standardised radiograph.

    Attributes:
        name: unique file name in the data set, such as im-0115-0001.jpg.
        kind: what the source's name says beyond the class: bacteria, virus, im, normal2, or "".
        patient: key of the patient, or of the file where nothing tells of one.
        pixels: SHA-256 of the standardised pixels.
        stored: bytes of the standardised file.
        encoding: of the source's file.
    """

    source: Path
    label: int
    split: str | None
    name: str
    kind: str
    patient: str
    pixels: str
    stored: int
    encoding: Encoding


@dataclass(frozen=True)
class Reject:
    """A file that was left out, and why."""

    path: Path
    code: str
    reason: str


def label_of(text: str) -> int | None:
    """Return the label that a class name (in any case) or a label number stands for; None for anything else."""
    word = text.strip().upper()
    if word in CLASSES:
        return CLASSES.index(word)
    return int(word) if word in {"0", "1"} else None
