"""Format numbers, intervals and file names for the page."""

import math
import re
from collections.abc import Mapping
from typing import Any


def escape_markdown(name: str) -> str:
    """Return a file's name with Streamlit's Markdown escaped."""
    return re.sub(r"([^\w\s]|_)", r"\\\1", name)


def percent(value: float) -> str:
    """Return a probability in percent, never 0 % or 100 %: no model is certain."""
    if value < 0.001:
        return "under 0.1 %"
    if value > 0.999:
        return "over 99.9 %"
    return f"{100 * value:.1f} %"


def log_odds(change: float) -> str:
    """Return a change in log-odds with its sign, and its effect on the odds."""
    factor = "over 1,000,000" if abs(change) > math.log(1e6) else f"{math.exp(abs(change)):,.1f}"
    return f"{change:+.2f}, which {'multiplies' if change > 0 else 'divides'} the odds by {factor}"


def estimate(metric: Mapping[str, Any], scale: float = 1) -> str:
    """Return a metric of metrics.json with its 95 % interval; `scale` is 100 for a percentage."""
    if metric["value"] is None:
        return "undefined"
    form = "{:.1f}" if scale == 100 else "{:.3f}"
    value, low, high = (
        None if metric[key] is None else form.format(scale * metric[key]) for key in ("value", "low", "high")
    )
    unit = " %" if scale == 100 else ""
    return f"{value}{unit}" if low is None else f"{value}{unit} [{low}, {high}]"


def threshold_meaning(evaluation: Mapping[str, Any] | None) -> str:
    """Return the sensitivity and specificity of the threshold, with the images they were measured on."""
    if evaluation is None:
        return "This model was deployed without an evaluation: its threshold has not been validated."
    test = evaluation["splits"]["test"]
    sensitivity, specificity = test["Sensitivity"], test["Specificity"]
    return (
        f"On the {sensitivity['n'] + specificity['n']:,} test images of `{evaluation['dataset']}`, this threshold has "
        f"a sensitivity of **{estimate(sensitivity, 100)}** (n = {sensitivity['n']:,}) and a specificity of "
        f"**{estimate(specificity, 100)}** (n = {specificity['n']:,}), with 95 % confidence intervals in brackets. "
        "Results on images from elsewhere may be worse."
    )


def duration(seconds: float) -> str:
    """Return a duration in seconds, minutes or hours."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
