"""The report of an evaluation: one self-contained HTML page."""

from ml.evaluation.report.card import card, headline
from ml.evaluation.report.page import html, warnings

__all__ = ["card", "headline", "html", "warnings"]
