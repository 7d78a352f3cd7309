"""A batch's results as a table to look at and as a file to keep."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import streamlit as st

from frontend.batch import Row

ALL, SUSPECTED, CLEAR, UNSURE, FAILED = (
    "All",
    "Pneumonia suspected",
    "None suspected",
    "Near the threshold",
    "Failed",
)
FILTERS = (ALL, SUSPECTED, CLEAR, UNSURE, FAILED)
NEAR = 0.1
"""Distance from the threshold, in probability, within which an image counts as uncertain."""
NOTICE = "Not a medical device: for research and education only"

BATCH_COLUMNS = {
    "image": st.column_config.ImageColumn("Radiograph", width="small"),
    "result": st.column_config.TextColumn("Result", width="medium"),
    "probability": st.column_config.ProgressColumn(
        "Probability of pneumonia", min_value=0, max_value=1, format="percent"
    ),
    "file": st.column_config.TextColumn("File", width="medium"),
    "margin": st.column_config.NumberColumn("Distance from threshold", format="percent"),
    "reason": st.column_config.TextColumn("Why there is none", width="large"),
}


def chosen(rows: Sequence[Row], name: str) -> list[Row]:
    """Return the rows that a filter of FILTERS lets through."""
    if name == ALL:
        return list(rows)
    if name == FAILED:
        return [row for row in rows if row.prediction is None]
    found = [(row, row.prediction) for row in rows if row.prediction is not None]
    if name == UNSURE:
        return [row for row, prediction in found if prediction.margin <= NEAR]
    return [row for row, prediction in found if prediction.positive == (name == SUSPECTED)]


def summary(rows: Sequence[Row]) -> str:
    """Return how many images were called what."""
    counts = {name: len(chosen(rows, name)) for name in FILTERS}
    return (
        f"Pneumonia suspected: **{counts[SUSPECTED]:,}**. None suspected: **{counts[CLEAR]:,}**. Of these, near the "
        f"threshold: **{counts[UNSURE]:,}**. Failed: **{counts[FAILED]:,}**."
    )


def frame(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Return the table's columns, one entry a row, in their order."""
    return {
        "image": [row.thumbnail or None for row in rows],
        "result": [word(row) for row in rows],
        "probability": [None if row.prediction is None else row.prediction.probability for row in rows],
        "file": [row.name for row in rows],
        "margin": [None if row.prediction is None else row.prediction.margin for row in rows],
        "reason": [row.reason for row in rows],
    }


def word(row: Row) -> str:
    """Return a row's result in words."""
    if row.prediction is None:
        return "Failed"
    return SUSPECTED if row.prediction.positive else CLEAR


def csv_of(rows: Sequence[Row]) -> bytes:
    """Return the results as CSV (RFC 4180, UTF-8 with a byte order mark, by which Excel knows it)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(
        ["file", "label", "probability", "threshold", "model_version", "request_id", "code", "reason", "notice"]
    )
    for row in rows:
        found = row.prediction
        result = (
            [found.label, found.probability, found.threshold, found.model_version, found.request_id]
            if found is not None
            else [""] * 5
        )
        writer.writerow([harmless(row.name), *result, row.code, row.reason, NOTICE])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def harmless(name: str) -> str:
    """Return a file name that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name
