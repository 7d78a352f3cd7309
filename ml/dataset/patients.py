"""Whose film is it? What the public collection's file names tell.

The key is (kind, number), in one namespace over train, validation and test: the bacterial `person7` and the viral
`person7` are different children, and IM-0001 is not NORMAL2-IM-0001.
"""

import re
from typing import NamedTuple


class Patient(NamedTuple):
    """A patient's key, and the kind of film the name tells of ("" where it tells nothing)."""

    key: str
    kind: str
    known: bool


NORMAL = re.compile(r"^(?P<second>NORMAL2-)?IM-(?P<number>\d{4})-\d{4}(?:-\d{4})?$", re.IGNORECASE)
PNEUMONIA = re.compile(r"^person(?P<number>\d+)_(?P<kind>bacteria|virus)_\d+(?:_\d+)?$", re.IGNORECASE)
MENDELEY = re.compile(r"^(?P<kind>BACTERIA|VIRUS|NORMAL)-(?P<number>\d+)-\d+$", re.IGNORECASE)
PHANTOM = re.compile(r"^phantom(?P<number>\d+)-\d+$", re.IGNORECASE)


def patient_of(stem: str) -> Patient:
    """Return the patient of a file name without its suffix; an unknown grammar makes the file its own patient."""
    if match := NORMAL.match(stem):
        kind = "normal2" if match["second"] else "im"
        return Patient(f"{kind}-{int(match['number'])}", kind, True)
    if match := PNEUMONIA.match(stem):
        kind = match["kind"].lower()
        return Patient(f"{kind}-{int(match['number'])}", kind, True)
    if match := MENDELEY.match(stem):
        kind = match["kind"].lower()
        return Patient(f"mendeley-{kind}-{int(match['number'])}", kind, True)
    if match := PHANTOM.match(stem):
        return Patient(f"phantom-{int(match['number'])}", "phantom", True)
    return Patient(f"file-{stem}", "", False)
