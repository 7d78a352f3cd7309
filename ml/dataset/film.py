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
    """

    path: Path
    label: int
    split: str | None


@dataclass(frozen=True)
class Film:
    """A standardised radiograph.

    Attributes:
        name: unique file name in the data set, such as im-0115-0001.jpg.
        kind: what the source's name says beyond the class: bacteria, virus, im, normal2, or "".
        patient: key of the patient, or of the file where its name tells of none.
        pixels: SHA-256 of the standardised pixels.
    """

    source: Path
    label: int
    split: str | None
    name: str
    kind: str
    patient: str
    pixels: str


@dataclass(frozen=True)
class Reject:
    """A file that was left out, and why."""

    path: Path
    code: str
    reason: str
