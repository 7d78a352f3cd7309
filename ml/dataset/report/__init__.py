"""The data set's report: what is in it, what was left out, and what a model could read besides the anatomy."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.dataset.film import Film, Reject
from ml.dataset.report import audit, page, sheets
from ml.dataset.split import Splits


def build(
    content: dict[str, Any], splits: Splits, rejects: Sequence[Reject], copies: Sequence[Film], folder: Path
) -> dict[str, bytes]:
    """Return report.json and report.html by key; the same data set gives the same bytes, and no path of the source.

    Args:
        content: dataset.json.
        rejects: files that were left out; only how many for which reason goes into the report.
        copies: films that were dropped, because another has the same pixels.
        folder: where the standardised films and their variants are.
    """
    films = [film for part in splits.values() for film in part]
    facts = {
        "name": content["name"],
        "version": content["version"],
        "settings": content["settings"],
        "counts": content["counts"],
        "patients": content["patients"],
        "kinds": kinds(splits),
        "training_samples": content["training_samples"],
        "rejects": tally(reject.code for reject in rejects),
        "redundant_copies": len(copies),
        "shared_patients": content["shared"]["patients"],
        "shared_pictures": content["shared"]["pictures"],
        "unknown_patients": sum(film.patient.startswith("file-") for film in films),
        "audit": audit.audit(films),
        "verdict": audit.verdict(audit.audit(films)),
    }
    pictures = sheets.contact_sheets(splits, folder)
    return {
        "report.json": json.dumps(facts, indent=1, sort_keys=True).encode(),
        "report.html": page.html(facts, pictures).encode(),
    }


def kinds(splits: Splits) -> dict[str, dict[str, int]]:
    """Return how many films of each kind a split has, as the source's names tell it."""
    return {split: tally(film.kind or "not told" for film in films) for split, films in splits.items()}


def tally(words: Any) -> dict[str, int]:
    """Return how often each word occurs, by word."""
    found: dict[str, int] = {}
    for word in words:
        found[word] = found.get(word, 0) + 1
    return dict(sorted(found.items()))
