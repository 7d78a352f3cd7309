"""Measure a model on another collection: its scores against a table of labels and patients.

Score the folder first, then compare:

    python -m ml.transform --input FOLDER --output scores.csv
    python -m benchmarks.external_metrics --scores scores.csv --labels Data_Entry.csv

The table has the columns of NIH ChestX-ray14: "Image Index" (file name), "Finding Labels" (separated by |) and
"Patient ID". Images are matched by file name. An image is positive if --positive is among its findings, and negative if
--negative is its only finding. Other images are left out. The threshold is the one in the scores.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from ml.errors import UserError
from ml.evaluation.metrics import split_metrics, table
from ml.evaluation.scored_split import ScoredSplit
from ml.evaluation.statistics import Estimate
from ml.scoring.unlabelled import COLUMNS

IMAGE, FINDINGS, PATIENT = "Image Index", "Finding Labels", "Patient ID"
ROW = ("AUROC", "Sensitivity", "Specificity")


@dataclass(frozen=True)
class Label:
    """The label of an image, 1 if positive and 0 if negative, and its patient."""

    label: int
    patient: str


@dataclass(frozen=True)
class Scores:
    """Calibrated probabilities and errors by file name, and the model's threshold."""

    probabilities: dict[str, float]
    errors: dict[str, str]
    threshold: float


def read_table(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Return the rows of a CSV file.

    Raises:
        UserError: the file is not readable, or a column is missing.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as CSV: {error}.", 2) from error
    if missing := [column for column in columns if column not in (reader.fieldnames or ())]:
        received = ", ".join(reader.fieldnames or ()) or "none"
        raise UserError(f"{path} lacks the columns {', '.join(missing)}; its columns are: {received}.", 2)
    return rows


def read_scores(path: Path) -> Scores:
    """Read the output of `ml.transform --input`.

    Raises:
        UserError: a number is out of range, a name is repeated, or the rows have several thresholds.
    """
    probabilities: dict[str, float] = {}
    errors: dict[str, str] = {}
    thresholds: set[float] = set()
    for number, row in enumerate(read_table(path, COLUMNS), 2):
        name = PurePosixPath(row["file"]).name
        if name in probabilities or name in errors:
            raise UserError(f"{path}, line {number}: {name} is repeated; file names must be unique.")
        if row["error"]:
            errors[name] = row["error"]
            continue
        try:
            probabilities[name] = float(row["probability"])
            thresholds.add(float(row["threshold"]))
        except ValueError as error:
            raise UserError(f"{path}, line {number}: {error}; probability and threshold must be numbers.") from error
        if not 0 <= probabilities[name] <= 1:
            raise UserError(f"{path}, line {number}: probability {row['probability']} must be between 0 and 1.")
    if len(thresholds) != 1:
        shown = ", ".join(map(str, sorted(thresholds))) or "none"
        raise UserError(f"{path} must have one threshold in all its scored rows; received {shown}.")
    return Scores(probabilities, errors, thresholds.pop())


def read_labels(path: Path, positive: str, negative: str) -> tuple[dict[str, Label], int]:
    """Return the label of each positive or negative image, and the number of other images.

    Raises:
        UserError: an image has no patient, or a name is repeated.
    """
    labels: dict[str, Label] = {}
    others = 0
    for number, row in enumerate(read_table(path, (IMAGE, FINDINGS, PATIENT)), 2):
        name, findings = row[IMAGE], {finding.strip() for finding in row[FINDINGS].split("|")}
        if positive not in findings and findings != {negative}:
            others += 1
        elif not row[PATIENT].strip():
            raise UserError(f"{path}, line {number}: {name} has no {PATIENT}, which the intervals need.")
        elif name in labels:
            raise UserError(f"{path}, line {number}: {name} is repeated; each image must have one line.")
        else:
            labels[name] = Label(int(positive in findings), row[PATIENT].strip())
    return labels, others


def compare(scores: Scores, labels: Mapping[str, Label]) -> dict[str, Estimate]:
    """Return the metrics of the labelled images with a score, named as in the internal evaluation.

    Raises:
        UserError: a class has no such image.
    """
    names = sorted(scores.probabilities.keys() & labels.keys())
    counts = {label: sum(labels[name].label == label for name in names) for label in (1, 0)}
    if not all(counts.values()):
        raise UserError(
            f"{counts[1]} positive and {counts[0]} negative images of the table have a score; at least one of each is "
            "needed. Check --positive, --negative, and that the file names in both tables are the same."
        )
    split = ScoredSplit(
        np.array([labels[name].label for name in names], dtype=np.int64),
        np.array([scores.probabilities[name] for name in names]),
        [labels[name].patient for name in names],
        names,
        [""] * len(names),
    )
    estimates = split_metrics(split, scores.threshold, counts[1] / len(names))
    # At the table's own prevalence, the predictive values "at prevalence" are PPV and NPV again.
    return {name: estimate for name, estimate in estimates.items() if " at prevalence " not in name}


def cell(estimate: Estimate) -> str:
    """Return a defined value with its interval for the Markdown row."""
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def report(options: argparse.Namespace) -> None:
    """Print the metrics, the images left out, and a row for a Markdown table."""
    scores = read_scores(options.scores)
    labels, others = read_labels(options.labels, options.positive, options.negative)
    estimates = compare(scores, labels)
    n = len(scores.probabilities.keys() & labels.keys())
    print(f"{n} images at threshold {scores.threshold:.4f}; positive: {options.positive}, negative: {options.negative}")
    print(table(estimates))
    unscored = sorted(labels.keys() - scores.probabilities.keys())
    print(f"Labelled images without a score: {len(unscored)}")
    for name in unscored:
        print(f"  {name}: {scores.errors.get(name, 'not in the scores')}")
    unlabelled = len(scores.probabilities.keys() - labels.keys())
    print(f"Images of the table with neither label: {others}. Scored images without a label: {unlabelled}.")
    print("| collection | AUROC [95 % CI] | sensitivity | specificity | n |")
    print("| --- | --- | --- | --- | --- |")
    row = [options.labels.resolve().parent.name, *(cell(estimates[name]) for name in ROW), f"{n} images"]
    print(f"| {' | '.join(row)} |")


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, required=True, help="CSV output of ml.transform --input")
    parser.add_argument("--labels", type=Path, required=True, help="CSV with labels and patients in the format of NIH")
    parser.add_argument("--positive", default="Pneumonia", help="finding of positive images (default: %(default)s)")
    parser.add_argument("--negative", default="No Finding", help="finding of negative images (default: %(default)s)")
    try:
        report(parser.parse_args(argv))
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
