"""The report's curves, as SVG text that is the same for the same scores."""

import io
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ml import statistics
from ml.evaluation.calibration import reliability
from ml.evaluation.scored import Scored
from ml.statistics import Labels, Scores

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#777777"
"""Okabe and Ito's colours, which survive colour-blindness."""
GRID = np.linspace(0, 1, 101)
DRAWS = 500

mpl.rcParams.update({"svg.hashsalt": "chest-xray", "svg.fonttype": "none", "font.size": 11, "axes.grid": True,
                     "grid.alpha": 0.3})  # fmt: skip


def roc(test: Scored, threshold: float, floor: Scores) -> str:
    """ROC curve with a 95 % band over resampled patients, the operating point, and the floor's curve."""
    figure, axes = canvas("1 - specificity", "sensitivity")
    low, high = band(test)
    axes.fill_between(GRID, low, high, color=BLUE, alpha=0.2, label="95 % band", linewidth=0)
    axes.step(*roc_points(test.labels, test.scores), where="post", color=BLUE, label="model")
    axes.step(*roc_points(test.labels, floor), where="post", color=GREY, linestyle="--", label="28-pixel regression")
    counts = statistics.confusion(test.labels, test.scores, threshold)
    point = (1 - counts.specificity().value, counts.sensitivity().value)
    axes.plot(*point, "o", color=ORANGE, label=f"threshold {threshold:.3f}")
    axes.legend(loc="lower right")
    return svg(figure)


def precision_recall(test: Scored, threshold: float) -> str:
    """Precision over recall, with the operating point and the share of pneumonia."""
    figure, axes = canvas("recall (sensitivity)", "precision (PPV)")
    order = np.argsort(-test.scores, kind="stable")
    hits = np.cumsum(test.labels[order])
    axes.step(hits / max(int(test.labels.sum()), 1), hits / np.arange(1, len(hits) + 1), where="post", color=BLUE)
    counts = statistics.confusion(test.labels, test.scores, threshold)
    axes.plot(counts.sensitivity().value, counts.positive_predictive_value().value, "o", color=ORANGE,
              label=f"threshold {threshold:.3f}")  # fmt: skip
    axes.axhline(float(test.labels.mean()), color=GREY, linestyle="--", label="share of pneumonia")
    axes.legend(loc="lower left")
    return svg(figure)


def calibration(validation: Scored, stressed: Scored, test: Scored) -> str:
    """Share of pneumonia over mean probability, for three splits."""
    figure, axes = canvas("mean probability of ten bins", "share of pneumonia")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--")
    styles = (("validation", validation, GREY, "s"), ("stressed", stressed, ORANGE, "^"), ("test", test, BLUE, "o"))
    for name, split, colour, marker in styles:
        bins = reliability(split.labels, split.scores)
        axes.plot([one["probability"] for one in bins], [one["share"] for one in bins], marker=marker, color=colour,
                  label=f"{name} (n = {len(split)})")  # fmt: skip
    axes.legend(loc="upper left")
    return svg(figure)


def histogram(test: Scored, threshold: float) -> str:
    """Number of test films by probability and class."""
    figure, axes = canvas("probability of pneumonia", "films", shares=False)
    bins = np.linspace(0, 1, 41)
    axes.hist(test.scores[test.labels == 0], bins=list(bins), color=BLUE, alpha=0.7, label="NORMAL")
    axes.hist(test.scores[test.labels == 1], bins=list(bins), color=ORANGE, alpha=0.6, label="PNEUMONIA", hatch="//")
    axes.axvline(threshold, color="black", linestyle=":", label=f"threshold {threshold:.3f}")
    axes.set_yscale("symlog", linthresh=10)
    axes.legend()
    return svg(figure)


def band(test: Scored, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 2.5 and 97.5 % points of sensitivity at each 1 - specificity of GRID, over resampled patients."""

    def quantities(chosen: NDArray[np.intp]) -> dict[str, float]:
        across, up = roc_points(test.labels[chosen], test.scores[chosen])
        places = np.searchsorted(across, GRID, side="right") - 1
        return {str(place): float(value) for place, value in enumerate(up[places])}

    found = statistics.bootstrap(test.patients, quantities, DRAWS, seed)
    return np.array([one.low for one in found.values()]), np.array([one.high for one in found.values()])


def roc_points(labels: Labels, scores: Scores) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return 1 - specificity and sensitivity at every distinct score, from (0, 0) to (1, 1)."""
    order = np.argsort(-scores, kind="stable")
    last = np.r_[np.flatnonzero(np.diff(scores[order])), len(scores) - 1]
    hits = np.cumsum(labels[order])[last]
    alarms = last + 1 - hits
    return np.r_[0, alarms / max(int(alarms[-1]), 1)], np.r_[0, hits / max(int(hits[-1]), 1)]


def canvas(across: str, up: str, shares: bool = True) -> tuple[Figure, Axes]:
    """Return an empty chart, from 0 to 1 in both directions when both are shares."""
    figure = Figure(figsize=(5, 4.6), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    if shares:
        axes.set_xlim(-0.01, 1.01)
        axes.set_ylim(-0.01, 1.02)
    return figure, axes


def svg(figure: Figure) -> str:
    """Return a figure as SVG for inline use, without date or declaration."""
    buffer = io.StringIO()
    options: dict[str, Any] = {"format": "svg", "metadata": {"Date": None, "Creator": None}}
    figure.savefig(buffer, **options)
    text = buffer.getvalue()
    return text[text.index("<svg") :]
