"""Numbers as a person reads them."""

import math
import re
from collections.abc import Mapping
from typing import Any


def plain(name: str) -> str:
    """Return a file's name so that Streamlit's Markdown shows it as it is, whatever it holds."""
    return re.sub(r"([^\w\s]|_)", r"\\\1", name)


def percent(value: float) -> str:
    """Return a probability; never 0 % or 100 %, which no model can know."""
    if value < 0.001:
        return "under 0.1 %"
    if value > 0.999:
        return "over 99.9 %"
    return f"{100 * value:.1f} %"


def log_odds(change: float) -> str:
    """Return a change in log-odds with its sign, and what it does to the odds."""
    times = "over 1,000,000" if abs(change) > math.log(1e6) else f"{math.exp(abs(change)):,.1f}"
    return f"{change:+.2f}, which {'multiplies' if change > 0 else 'divides'} the odds by {times}"


def estimate(one: Mapping[str, Any], scale: float = 1) -> str:
    """Return a metric of metrics.json with its 95 % interval; `scale` is 100 for a percentage."""
    if one["value"] is None:
        return "undefined"
    form = "{:.1f}" if scale == 100 else "{:.3f}"
    value, low, high = (None if one[key] is None else form.format(scale * one[key]) for key in ("value", "low", "high"))
    unit = " %" if scale == 100 else ""
    return f"{value}{unit}" if low is None else f"{value}{unit} [{low}, {high}]"


def threshold_meaning(evaluation: Mapping[str, Any] | None) -> str:
    """Return what the threshold is worth, measured on which images."""
    if evaluation is None:
        return "This model was deployed without an evaluation: nothing is known of what its threshold is worth."
    test = evaluation["splits"]["test"]
    sensitivity, specificity = test["Sensitivity"], test["Specificity"]
    return (
        f"On the {sensitivity['n'] + specificity['n']:,} test images of `{evaluation['dataset']}`, this threshold "
        f"finds **{estimate(sensitivity, 100)}** of the images with pneumonia (n = {sensitivity['n']:,}) and rightly "
        f"passes **{estimate(specificity, 100)}** of those without (n = {specificity['n']:,}). In brackets: 95 % "
        "confidence interval. Images from elsewhere may fare worse."
    )


def duration(seconds: float) -> str:
    """Return a time to wait or left, in words."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
