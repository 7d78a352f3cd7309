"""Map the labels and findings in tables to the two classes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ml.dataset.radiographs import CLASSES, is_blank, is_uncertain, label_of
from ml.dataset.sources.delimited import key_of

CLASS_COLUMNS = ("label", "target")
"""Columns that hold a class or its number; RSNA calls it Target."""
TEXT_COLUMNS = ("findinglabels", "classname", "class", "labels")
"""Columns that hold findings: NIH ("Infiltration|Pneumonia"), VinDr-CXR, RSNA's detailed table, and PadChest
("['pneumonia', 'effusion']")."""


@dataclass(frozen=True)
class Findings:
    """The findings of each class.

    Attributes:
        given: whether the user gave them; otherwise a column of classes may hold no findings.
    """

    positive: tuple[str, ...] = ("Pneumonia",)
    negative: tuple[str, ...] = ("No Finding",)
    given: bool = False

    def columns(self, keys: Collection[str]) -> list[str]:
        """Return the columns that hold labels: one of classes, one of findings, or one for each finding."""
        for names in (CLASS_COLUMNS, TEXT_COLUMNS):
            if column := next((name for name in names if name in keys), None):
                return [column]
        return [key for key in map(key_of, self.positive + self.negative) if key in keys]

    def read(self, line: Mapping[str, str], columns: list[str]) -> frozenset[str]:
        """Return the findings in a line, by key, or the number of its class; nothing if they are blank or uncertain.

        Raises:
            ValueError: a column of classes holds something else.
        """
        text = line[columns[0]]
        if columns[0] in CLASS_COLUMNS + TEXT_COLUMNS:
            if is_blank(text) or is_uncertain(text):
                return frozenset()
            is_class = columns[0] in CLASS_COLUMNS and not (self.given and text.upper() in CLASSES)
            label = label_of(text) if is_class else None
            if label is None and is_class and not self.given:
                raise ValueError(
                    f"has the label {text!r}; allowed: NORMAL or 0, PNEUMONIA or 1, or findings with --positive and "
                    "--negative"
                )
            if label is not None:
                return frozenset([str(label)])
            return frozenset(map(key_of, text.split("," if text.startswith("[") else "|")))
        uncertain = any(is_uncertain(line[key]) for key in map(key_of, self.positive) if key in line)
        return frozenset(column for column in columns if label_of(line[column]) == 1 and not uncertain)

    def label(self, findings: frozenset[str]) -> int | None:
        """Return 1 for a positive finding, 0 for negative findings only; None for others, and for both together."""
        if findings & {*map(key_of, self.positive), "1"}:
            return None if findings & {*map(key_of, self.negative), "0"} else 1
        return 0 if findings and findings <= {*map(key_of, self.negative), "0"} else None


DEFAULT = Findings()
