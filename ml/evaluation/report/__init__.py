"""The evaluation's report: one self-contained HTML page."""

from ml.evaluation.report.page import html, warnings

__all__ = ["html", "warnings"]
