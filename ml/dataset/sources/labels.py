"""The label, patient and split of each image, study or patient in a table."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ml.dataset.radiographs import CLASSES, UNLABELLED, WRONG_VIEW, Reject, Views
from ml.dataset.sources import mimic
from ml.dataset.sources.delimited import Delimited, read_delimited
from ml.dataset.sources.findings import CLASS_COLUMNS, Findings
from ml.dataset.sources.folder import SPLITS
from ml.dataset.sources.views import other_view
from ml.errors import UserError

ID_COLUMNS = ("id", "filename", "file", "image", "imageindex", "imageid", "dicomid", "studyid", "patientid")
"""Columns that name images, studies or patients; those of NIH, VinDr-CXR and MIMIC-CXR, and RSNA's patientId."""
PATIENT_COLUMNS = ("patientid", "subjectid")
SHOWN = 5
"""Faults and findings that a message names."""


@dataclass(frozen=True)
class Row:
    """What a table says about an id.

    Attributes:
        label: None if there is none, or if the image is left out for its view.
        code, reason: of the reject if there is no label.
    """

    id: str
    label: int | None
    patient: str | None
    split: str | None
    code: str
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
        counts = Counter((row.code, row.reason) for row in rows if row.label is None)
        return [Reject(self.path, code, reason, number) for (code, reason), number in counts.items()]


@dataclass(frozen=True)
class Columns:
    """The keys of a table's columns.

    Attributes:
        id: of images, studies or patients.
        labels: of one column of classes or findings, or of one for each finding.
        patient: None if there is none.
    """

    id: str
    labels: list[str]
    patient: str | None

    @property
    def plain(self) -> bool:
        """Whether they are those of the project's own tables of paths, which need the patients."""
        return self.id == "path" and self.labels == ["label"]


def read_labels(path: Path, findings: Findings, with_paths: bool, views: Views) -> Labels:
    """Return the labels in a table.

    Args:
        with_paths: whether a column `path` can hold the ids.

    Raises:
        UserError: a column is missing, or lines cannot be used; the message names up to five of them.
    """
    table = mimic.joined(path, read_delimited(path))
    columns = columns_of(path, table, findings, with_paths)
    faults: list[str] = []
    present: dict[str, frozenset[str]] = {}
    lines: dict[str, list[Mapping[str, str]]] = {}
    for number, line in table.lines:
        try:
            key = check(line, columns)
            read, earlier = findings.read(line, columns.labels), present.get(key)
            if earlier and read and columns.labels[0] in CLASS_COLUMNS and read != earlier:
                raise ValueError("gives a second label to an id; keep one label for each id")
            for column in (columns.patient, "split"):
                if column and column in line and line[column] != lines.get(key, [line])[0][column]:
                    raise ValueError(f"gives a second {column} to an id; keep one for each id")
        except ValueError as error:
            faults.append(f"line {number} {error}")
            continue
        present[key] = read | (earlier or frozenset())
        lines.setdefault(key, []).append(line)
    rows = [row_of(key, group[0], present[key], findings, columns.patient) for key, group in lines.items()]
    if len({row.split is None for row in rows if row.label is not None}) > 1:
        faults.append("the column split is filled in only some lines; fill it in all lines or in none")
    if faults:
        raise UserError(f"{path}: {'; '.join(faults[:SHOWN])}{' ...' if len(faults) > SHOWN else ''}.", 2)
    if findings.given or columns.labels[0] not in CLASS_COLUMNS:
        check_classes(path, rows, present, findings)
    if views == "frontal":
        rows = [frontal(row, lines[row.id]) for row in rows]
    return Labels(path, rows, columns.id, columns.id == "patientid" and columns.labels != ["label"])


def columns_of(path: Path, table: Delimited, findings: Findings, with_paths: bool) -> Columns:
    """Return the columns of a table.

    Raises:
        UserError: a column is missing or there twice, or there is no line.
    """
    labels = findings.columns(table.keys)
    names = ("path", *ID_COLUMNS) if with_paths else ID_COLUMNS[: 1 if "path" in table.keys else None]
    column = next((name for name in names if name in table.keys), None)
    patient = next((name for name in PATIENT_COLUMNS if name in table.keys and name != column), None)
    if column is None or not labels or (patient is None and Columns(column, labels, patient).plain):
        needed = "path, label, patient_id and can have split" if with_paths else "id, label (for paths, use --source)"
        raise UserError(
            f"The first line of {path} has the columns {', '.join(table.header) or 'none'}; it needs {needed}, or the "
            "columns of a public collection (see docs/data.md).",
            2,
        )
    if twice := [key for key in (column, patient, *labels, "split") if key and table.keys.count(key) > 1]:
        raise UserError(f"{path} has the column {twice[0]} more than once; keep one of them.", 2)
    if not table.lines:
        raise UserError(f"{path} holds no line below its header; add a line for each image.", 2)
    return Columns(column, labels, patient)


def check(line: Mapping[str, str], columns: Columns) -> str:
    """Return the id of a line after checking its patient and split.

    Raises:
        ValueError: one of them cannot be used; the message continues "line 2 ...".
    """
    if not line[columns.id]:
        raise ValueError(f"has no {columns.id}")
    if columns.plain and columns.patient and not line[columns.patient]:
        raise ValueError("has no patient_id")
    if (split := line.get("split", "").lower()) and split not in SPLITS:
        raise ValueError(f"has the split {split!r}; allowed: {', '.join(SPLITS)}")
    return line[columns.id]


def row_of(key: str, line: Mapping[str, str], present: frozenset[str], findings: Findings, patient: str | None) -> Row:
    """Return the row of an id from its first line and the findings of all its lines."""
    reason = (
        f"the findings are not only of {' or '.join(findings.positive)}, or only of {' or '.join(findings.negative)}"
        if present
        else "the label is blank, -1 or uncertain"
    )
    name = line[patient] if patient else ""
    split = SPLITS.get(line.get("split", "").lower())
    return Row(key, findings.label(present), name or None, split, UNLABELLED, reason)


def frontal(row: Row, lines: Sequence[Mapping[str, str]]) -> Row:
    """Return a row, without its label if each of its lines declares a view that is not frontal."""
    views = [other_view(line) for line in lines]
    if None in views:
        return row
    reason = f"the table gives the view {views[0]!r}; frontal views are used, or all with --views all"
    return replace(row, label=None, code=WRONG_VIEW, reason=reason)


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
