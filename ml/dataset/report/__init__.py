"""The report of a data set: its content, the files left out, and shortcuts that a model can learn."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ml.dataset import summary
from ml.dataset.patients import KAGGLE
from ml.dataset.radiographs import Reject
from ml.dataset.report import audit, sheets
from ml.dataset.split import Splits
from ml.html.templating import render

COPIED = ("name", "version", "settings", "counts", "collection", "patients", "unknown_patients", "shared",
          "training_samples")  # fmt: skip
"""Parts of dataset.json that the report repeats."""


def build(
    content: Mapping[str, Any], splits: Splits, rejects: Sequence[Reject], files: Mapping[str, int], folder: Path
) -> dict[str, bytes]:
    """Return report.json and report.html by name; the same data set gives the same bytes.

    Args:
        content: dataset.json.
        rejects: files left out; the report counts them by reason.
        files: the counts of the source's files by `summary.count_files`.
        folder: folder of the standardised images and their variants.
    """
    areas = audit.audit([image for images in splits.values() for image in images])
    report = {name: content[name] for name in COPIED} | {
        "subtypes": subtypes(splits),
        "files": dict(files),
        "rejects": tally((reject.code, reject.files) for reject in rejects),
        "audit": areas,
        "verdict": audit.verdict(areas),
    }
    return {
        "report.json": json.dumps(report, indent=1, sort_keys=True).encode(),
        "report.html": html(report, sheets.contact_sheets(splits, folder)).encode(),
    }


def html(report: Mapping[str, Any], contact_sheets: Mapping[str, str]) -> str:
    """Return the page; `contact_sheets` are data URIs by title."""
    return render(
        "dataset.html",
        report=report,
        sheets=contact_sheets,
        shared_sentence=summary.shared_sentence(report["shared"]),
        files_sentence=summary.files_sentence(report["files"]),
        kaggle=KAGGLE,
    )


def subtypes(splits: Splits) -> dict[str, dict[str, int]]:
    """Return the number of images of each subtype in each split."""
    return {split: tally((image.subtype or "unknown", 1) for image in images) for split, images in splits.items()}


def tally(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the sum of the counts of each name, by name."""
    sums: dict[str, int] = {}
    for name, count in counts:
        sums[name] = sums.get(name, 0) + count
    return dict(sorted(sums.items()))
