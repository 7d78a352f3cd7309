"""CSV files: a table of images (path,label,patient_id[,split]), and the rows of any table."""

import csv
from collections.abc import Mapping
from pathlib import Path

from ml.dataset.radiographs import UNCERTAIN, UNLABELLED, Offer, Reject, SourceFile, label_of
from ml.dataset.sources.folder import SPLITS, require_both_classes
from ml.errors import UserError

REQUIRED = ("path", "label", "patient_id")


def read_table(path: Path) -> Offer:
    """Return the images of a table, in its order; paths are relative to the table.

    Lines with a blank or uncertain label are left out.

    Raises:
        UserError: a column is missing, or lines cannot be used; the message names up to five of them.
    """
    every = rows(path, REQUIRED)
    lines = [(number, line) for number, line in every if line["label"].strip().upper() not in UNCERTAIN]
    unlabelled = len(every) - len(lines)
    reason = "the label is blank, -1 or uncertain"
    rejects = [Reject(path, UNLABELLED, reason, unlabelled)] if unlabelled else []
    faults: list[str] = []
    images = [image for number, line in lines if (image := image_of(path.parent, number, line, faults))]
    used_splits = {image.split for image in images}
    if None in used_splits and len(used_splits) > 1:
        faults.append("the column split is filled in only some lines; fill it in all lines or in none")
    if faults:
        raise UserError(f"{path}: {'; '.join(faults[:5])}{' ...' if len(faults) > 5 else ''}.", code=2)
    require_both_classes(images, path)
    return Offer(images, rejects, found=len(every))


def rows(path: Path, required: tuple[str, ...]) -> list[tuple[int, Mapping[str, str]]]:
    """Return (line number, values by lower-case column) of a CSV file.

    Raises:
        UserError: the file cannot be read, or lacks a required column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = [(name or "").strip().lower() for name in reader.fieldnames or []]
            lines: list[tuple[int, Mapping[str, str]]] = [
                (reader.line_num, dict(zip(columns, (value or "" for value in line.values()), strict=False)))
                for line in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as a CSV file in UTF-8: {error}.", code=2) from error
    missing = [name for name in required if name not in columns]
    if missing:
        raise UserError(
            f"{path} has the columns {', '.join(columns) or 'none'}; it needs {', '.join(required)}"
            f"{' and can have split' if required == REQUIRED else ''}.",
            code=2,
        )
    return lines


def image_of(folder: Path, number: int, line: Mapping[str, str], faults: list[str]) -> SourceFile | None:
    """Return the image of one line, or add to `faults` what is wrong with it."""
    label, patient, split = label_of(line["label"]), line["patient_id"].strip(), line.get("split", "").strip().lower()
    if not line["path"].strip():
        faults.append(f"line {number} has no path")
    elif label is None:
        faults.append(f"line {number} has the label {line['label']!r}; allowed: NORMAL or 0, PNEUMONIA or 1")
    elif not patient:
        faults.append(f"line {number} has no patient_id")
    elif split and split not in SPLITS:
        faults.append(f"line {number} has the split {split!r}; allowed: {', '.join(SPLITS)}")
    else:
        path = folder / line["path"].strip()
        return SourceFile(path, label, SPLITS[split] if split else None, f"table-{patient}")
    return None
