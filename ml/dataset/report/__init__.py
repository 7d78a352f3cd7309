"""The data set's report: what is in it, what was left out, and what a model could read besides the anatomy."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ml.dataset.radiographs import Reject
from ml.dataset.report import audit, page, sheets
from ml.dataset.split import Splits


def build(
    content: dict[str, Any], splits: Splits, rejects: Sequence[Reject], files: Mapping[str, int], folder: Path
) -> dict[str, bytes]:
    """Return report.json and report.html by key; the same data set gives the same bytes, and no path of the source.

    Args:
        content: dataset.json.
        rejects: files that were left out; only how many for which reason goes into the report.
        files: what became of the source's files, by `summary.count_files`.
        folder: where the standardised images and their variants are.
    """
    measured = audit.audit([image for part in splits.values() for image in part])
    facts = {
        "name": content["name"],
        "version": content["version"],
        "settings": content["settings"],
        "counts": content["counts"],
        "collection": content["collection"],
        "patients": content["patients"],
        "unknown_patients": content["unknown_patients"],
        "shared": content["shared"],
        "subtypes": subtypes(splits),
        "training_samples": content["training_samples"],
        "files": dict(files),
        "rejects": tally((reject.code, reject.files) for reject in rejects),
        "audit": measured,
        "verdict": audit.verdict(measured),
    }
    pictures = sheets.contact_sheets(splits, folder)
    return {
        "report.json": json.dumps(facts, indent=1, sort_keys=True).encode(),
        "report.html": page.html(facts, pictures).encode(),
    }


def subtypes(splits: Splits) -> dict[str, dict[str, int]]:
    """Return how many images of each subtype a split has, as the source's names tell it."""
    return {split: tally((image.subtype or "not told", 1) for image in images) for split, images in splits.items()}


def tally(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the sum of the counts of each word, by word."""
    sums: dict[str, int] = {}
    for word, count in counts:
        sums[word] = sums.get(word, 0) + count
    return dict(sorted(sums.items()))
