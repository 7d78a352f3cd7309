"""Recognise the view that a table or a file name declares for an image."""

import re
from collections.abc import Mapping
from pathlib import Path

from ml.dataset.radiographs import is_blank

COLUMNS = ("frontallateral", "appa", "viewposition", "projection", "view")
"""Columns of views: two of CheXpert, those of MIMIC-CXR, NIH and PadChest, and the general one."""
FRONTAL = {"AP", "PA", "FRONTAL", "ANTEROPOSTERIOR", "POSTEROANTERIOR", "DECUBITUS"}
LATERAL = {"LATERAL", "LAT", "OBLIQUE"}


def other_view(line: Mapping[str, str]) -> str | None:
    """Return the declared view of a table's line if it is not frontal; None for frontal and undeclared views."""
    views = [line[column] for column in COLUMNS if not is_undeclared(line.get(column, ""))]
    return next((view for view in views if not is_frontal(view)), None)


def is_undeclared(view: str) -> bool:
    """Return whether a view is blank or unknown."""
    return is_blank(view) or view.upper() in {"UNK", "UNKNOWN", "OTHER"}


def is_frontal(view: str) -> bool:
    """Return whether a view is frontal, such as "AP supine" or "AP_horizontal". A decubitus view is frontal."""
    words = set(re.split(r"[^A-Z]+", view.upper()))
    return bool(words & FRONTAL) and (not words & LATERAL or "DECUBITUS" in words)


def is_named_lateral(path: Path) -> bool:
    """Return whether a file has CheXpert's name of a lateral view, such as view2_lateral.jpg."""
    return re.fullmatch(r"view\d+_lateral", path.stem) is not None
