"""The results of a batch as a table on the page and as a CSV file."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import streamlit as st

from frontend.batch import ResultRow

ALL, SUSPECTED, NOT_SUSPECTED, NEAR_THRESHOLD, FAILED = FILTERS = (
    "All", "Pneumonia suspected", "No pneumonia suspected", "Near the threshold", "Failed"
)  # fmt: skip
NEAR = 0.1
"""Distance from the threshold, in probability, within which a result counts as near."""
NOTICE = "Not a medical device: for research and education only"

PREDICTION_FIELDS = ("label", "probability", "threshold", "model_version", "request_id")

COLUMNS = {
    "image": st.column_config.ImageColumn("Image", width="small"),
    "probability": st.column_config.ProgressColumn(
        "Probability", width=110, min_value=0, max_value=100, format="%.1f %%"
    ),
    "result": st.column_config.TextColumn("Result", width=160),
    "file": st.column_config.TextColumn("File", width=160),
    "margin": st.column_config.NumberColumn("Distance from threshold", format="%.1f points"),
    "error": st.column_config.TextColumn("Error", width="large"),
}


def filtered(rows: Sequence[ResultRow], name: str) -> list[ResultRow]:
    """Return the rows that match a filter of FILTERS."""
    if name == ALL:
        return list(rows)
    if name == FAILED:
        return [row for row in rows if row.prediction is None]
    predicted = [(row, row.prediction) for row in rows if row.prediction is not None]
    if name == NEAR_THRESHOLD:
        return [row for row, prediction in predicted if prediction.margin <= NEAR]
    return [row for row, prediction in predicted if prediction.positive == (name == SUSPECTED)]


def summary(rows: Sequence[ResultRow]) -> str:
    """Return the number of images of each result."""
    counts = {name: len(filtered(rows, name)) for name in FILTERS}
    return (
        f"Pneumonia suspected: **{counts[SUSPECTED]:,}**. No pneumonia suspected: **{counts[NOT_SUSPECTED]:,}**. Of "
        f"these, near the threshold: **{counts[NEAR_THRESHOLD]:,}**. Failed: **{counts[FAILED]:,}**."
    )


def table(rows: Sequence[ResultRow]) -> dict[str, list[Any]]:
    """Return the table's columns, with one entry for each row."""
    return {
        "image": [row.thumbnail or None for row in rows],
        "probability": [None if row.prediction is None else 100 * row.prediction.probability for row in rows],
        "result": ["Failed" if row.prediction is None else row.prediction.finding for row in rows],
        "file": [row.name for row in rows],
        "margin": [None if row.prediction is None else 100 * row.prediction.margin for row in rows],
        "error": [row.error for row in rows],
    }


def csv_file(rows: Sequence[ResultRow]) -> bytes:
    """Return the results as CSV (RFC 4180), UTF-8 with a byte order mark for Excel."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["file", *PREDICTION_FIELDS, "code", "error", "notice"])
    for row in rows:
        result = [getattr(row.prediction, field, "") for field in PREDICTION_FIELDS]
        writer.writerow([without_formula(row.name), *result, row.code, row.error, NOTICE])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def without_formula(name: str) -> str:
    """Return a file name that spreadsheets do not run as a formula (OWASP, CSV injection)."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name
