"""The report's charts as SVG, drawn from the curves of metrics.json; the same scores give the same text."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ml.evaluation import statistics
from ml.evaluation.scored_split import ScoredSplit

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#777777"
"""Colours of Okabe and Ito, which colour-blind people can tell apart."""

mpl.rcParams.update({"svg.hashsalt": "chest-xray", "svg.fonttype": "none", "font.size": 11, "axes.grid": True,
                     "grid.alpha": 0.3})  # fmt: skip


def roc(curve: Mapping[str, Any], threshold: float) -> str:
    """Draw the ROC curve with its 95 % band, the operating point, and the baseline's curve."""
    figure, axes = canvas("1 - specificity", "sensitivity")
    band = curve["band"]
    axes.fill_between(band["false_positive_rate"], band["low"], band["high"], color=BLUE, alpha=0.2, label="95 % band",
                      linewidth=0)  # fmt: skip
    axes.step(*zip(*curve["points"], strict=True), where="post", color=BLUE, label="model")
    axes.step(
        *zip(*curve["baseline"], strict=True), where="post", color=GREY, linestyle="--", label="28-pixel regression"
    )
    axes.plot(*curve["operating_point"], "o", color=ORANGE, label=f"threshold {threshold:.3f}")
    axes.legend(loc="lower right")
    return svg(figure)


def precision_recall(test: ScoredSplit, threshold: float) -> str:
    """Draw precision over recall, with the operating point and the fraction of pneumonia."""
    figure, axes = canvas("recall (sensitivity)", "precision (PPV)")
    order = np.argsort(-test.scores, kind="stable")
    hits = np.cumsum(test.labels[order])
    axes.step(hits / max(int(test.labels.sum()), 1), hits / np.arange(1, len(hits) + 1), where="post", color=BLUE)
    counts = statistics.confusion(test.labels, test.scores, threshold)
    axes.plot(counts.sensitivity().value, counts.positive_predictive_value().value, "o", color=ORANGE,
              label=f"threshold {threshold:.3f}")  # fmt: skip
    axes.axhline(float(test.labels.mean()), color=GREY, linestyle="--", label="fraction of pneumonia")
    axes.legend(loc="lower left")
    return svg(figure)


def calibration(splits: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Draw the fraction of pneumonia with its 95 % interval over the mean probability of each bin, for each split."""
    figure, axes = canvas("mean probability of a bin", "fraction of pneumonia")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1)
    styles = {"validation": ("validation", GREY, "s"), "validation_perturbed": ("perturbed", ORANGE, "^"),
              "test": ("test", BLUE, "o")}  # fmt: skip
    for split, (name, colour, marker) in styles.items():
        bins = splits[split]
        across, up = [point["probability"] for point in bins], [point["fraction"] for point in bins]
        below = [point["fraction"] - point["low"] for point in bins]
        above = [point["high"] - point["fraction"] for point in bins]
        label = f"{name} (n = {sum(point['n'] for point in bins):.0f})"
        axes.errorbar(across, up, yerr=(below, above), marker=marker, color=colour, linewidth=1, linestyle=":",
                      markersize=5, capsize=2, label=label)  # fmt: skip
    axes.legend(loc="upper center", bbox_to_anchor=(0.432, -0.115), ncols=len(styles), fontsize="x-small",
                handlelength=1.5, columnspacing=0.8)  # fmt: skip
    return svg(figure)


def histogram(counts: Mapping[str, Sequence[float]], threshold: float) -> str:
    """Draw the number of test images by probability and class."""
    figure, axes = canvas("probability of pneumonia", "images", fractions=False)
    edges = counts["edges"]
    styles: dict[str, dict[str, Any]] = {
        "NORMAL": {"color": BLUE, "alpha": 0.7}, "PNEUMONIA": {"color": ORANGE, "alpha": 0.6, "hatch": "//"}
    }  # fmt: skip
    for name, style in styles.items():
        axes.stairs(counts[name], edges, fill=True, label=name, **style)
    axes.axvline(threshold, color="black", linestyle=":", label=f"threshold {threshold:.3f}")
    axes.set_yscale("symlog", linthresh=10)
    axes.legend(loc="upper center")
    return svg(figure)


def canvas(across: str, up: str, fractions: bool = True) -> tuple[Figure, Axes]:
    """Return an empty chart; axes of fractions go from 0 to 1."""
    figure = Figure(figsize=(5, 4.6))
    # Margins that suffice for every chart. Matplotlib's layouts measure all texts, which takes as long as the drawing.
    axes = figure.add_axes((0.135, 0.165, 0.845, 0.815))
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    if fractions:
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
