"""The label, patient and split of each image, study or patient in a table."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml.dataset.radiographs import CLASSES, UNLABELLED, Reject
from ml.dataset.sources.delimited import read_delimited
from ml.dataset.sources.findings import CLASS_COLUMNS, Findings
from ml.dataset.sources.folder import SPLITS
from ml.errors import UserError

ID_COLUMNS = ("id", "imageindex", "imageid", "dicomid", "studyid", "patientid")
"""Columns that name images, studies or patients; those of NIH, VinDr-CXR and MIMIC-CXR, and RSNA's patientId."""
PATIENT_COLUMNS = ("patientid", "subjectid")
SHOWN = 5
"""Faults and findings that a message names."""


@dataclass(frozen=True)
class Row:
    """What a table says about an id.

    Attributes:
        label: None if there is none, for `reason`.
    """

    id: str
    label: int | None
    patient: str | None
    split: str | None
    reason: str


@dataclass(frozen=True)
class Labels:
    """A table of labels, with one row for each id.

    Attributes:
        column: key of the column of the id.
        unknown_patients: whether it gives each image an id of a patient, as RSNA does.
    """

    path: Path
    rows: Sequence[Row]
    column: str
    unknown_patients: bool

    def left_out(self, rows: Iterable[Row]) -> list[Reject]:
        """Return the rejects for rows without a label: one for each reason."""
        counts = Counter(row.reason for row in rows if row.label is None)
        return [Reject(self.path, UNLABELLED, reason, number) for reason, number in counts.items()]


def read_labels(path: Path, findings: Findings, with_paths: bool) -> Labels:
    """Return the labels in a table.

    Args:
        with_paths: whether a column `path` can hold the ids.

    Raises:
        UserError: a column is missing, or lines cannot be used; the message names up to five of them.
    """
    table = read_delimited(path)
    columns = findings.columns(table.keys)
    names = ("path", *ID_COLUMNS) if with_paths else ID_COLUMNS[: 1 if "path" in table.keys else None]
    column = next((name for name in names if name in table.keys), None)
    patient = next((name for name in PATIENT_COLUMNS if name in table.keys and name != column), None)
    plain = column == "path" and columns == ["label"]
    if not columns or column is None or (plain and patient is None):
        needed = "path, label, patient_id and can have split" if with_paths else "id, label (for paths, use --source)"
        raise UserError(
            f"{path} has the columns {', '.join(table.header) or 'none'}; it needs {needed}, or the columns of a "
            "public collection (see docs/data.md).",
            2,
        )
    if not table.lines:
        raise UserError(f"{path} holds no line below its header; add a line for each image.", 2)
    faults: list[str] = []
    present: dict[str, frozenset[str]] = {}
    lines: dict[str, Mapping[str, str]] = {}
    for number, line in table.lines:
        try:
            check(line, column, patient if plain else None)
            read, earlier = findings.read(line, columns), present.get(line[column])
            if earlier and read and columns[0] in CLASS_COLUMNS and read != earlier:
                raise ValueError("gives a second label to an id; keep one label for each id")
        except ValueError as error:
            faults.append(f"line {number} {error}")
            continue
        present[line[column]] = read | (earlier or frozenset())
        lines[line[column]] = line
    rows = [row_of(key, line, present[key], findings, patient) for key, line in lines.items()]
    if len({row.split is None for row in rows if row.label is not None}) > 1:
        faults.append("the column split is filled in only some lines; fill it in all lines or in none")
    if faults:
        raise UserError(f"{path}: {'; '.join(faults[:SHOWN])}{' ...' if len(faults) > SHOWN else ''}.", 2)
    if findings.given or columns[0] not in CLASS_COLUMNS:
        check_classes(path, rows, present, findings)
    return Labels(path, rows, column, column == "patientid" and columns != ["label"])


def check(line: Mapping[str, str], column: str, patient: str | None) -> None:
    """Check the id, the patient and the split of a line.

    Raises:
        ValueError: one of them cannot be used; the message continues "line 2 ...".
    """
    if not line[column]:
        raise ValueError(f"has no {column}")
    if patient and not line[patient]:
        raise ValueError("has no patient_id")
    if (split := line.get("split", "").lower()) and split not in SPLITS:
        raise ValueError(f"has the split {split!r}; allowed: {', '.join(SPLITS)}")


def row_of(key: str, line: Mapping[str, str], present: frozenset[str], findings: Findings, patient: str | None) -> Row:
    """Return the row of an id from its last line and the findings of all its lines."""
    reason = (
        f"the findings are not only of {' or '.join(findings.positive)}, or only of {' or '.join(findings.negative)}"
        if present
        else "the label is blank, -1 or uncertain"
    )
    name = line[patient] if patient else ""
    return Row(key, findings.label(present), name or None, SPLITS.get(line.get("split", "").lower()), reason)


def check_classes(path: Path, rows: Sequence[Row], present: Mapping[str, frozenset[str]], findings: Findings) -> None:
    """Check that both classes occur.

    Raises:
        UserError: no row has a label of a class; the message names the findings in the table.
    """
    for label, names in enumerate((findings.negative, findings.positive)):
        if not any(row.label == label for row in rows):
            counts = Counter(name for names in present.values() for name in names)
            common = ", ".join(name for name, _ in counts.most_common(2 * SHOWN))
            raise UserError(
                f"{path} holds no image of class {CLASSES[label]} ({' or '.join(names)}); its findings are "
                f"{common or 'all blank'}. Choose findings with --positive and --negative.",
                2,
            )
