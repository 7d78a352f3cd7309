"""Charts of the evaluation, from the numbers of GET /model."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#8a8a8a"
"""Okabe and Ito's colours, distinct for colour-blind people; each series also has its own line or shape."""
HEIGHT = 440
"""In pixels, with the legend."""
UNIT_INTERVAL = alt.Scale(domain=[0, 1])
Chart = alt.LayerChart | alt.FacetChart


def roc(curve: Mapping[str, Any]) -> Chart:
    """Return the ROC curve with its 95 % band, the operating point and the baseline's curve."""
    band = [
        {"x": x, "low": low, "high": high}
        for x, low, high in zip(*(curve["band"][name] for name in ("false_positive_rate", "low", "high")), strict=True)
    ]
    x_threshold, y_threshold = curve["operating_point"]
    threshold = [{"x": x_threshold, "y": y_threshold, "series": "threshold in use"}]
    lines = [*series("model", curve["points"]), *series("28-pixel regression (baseline)", curve["baseline"])]
    x, y = axis("x", "1 - specificity"), axis("y", "sensitivity")
    colour = alt.Color(
        "series:N",
        title=None,
        scale=alt.Scale(
            domain=["model", "28-pixel regression (baseline)", "threshold in use"], range=[BLUE, GREY, ORANGE]
        ),
        legend=legend(),
    )
    dash = alt.StrokeDash(
        "series:N",
        legend=None,
        scale=alt.Scale(domain=["model", "28-pixel regression (baseline)"], range=[[1, 0], [5, 4]]),
    )
    return alt.layer(
        alt.Chart(rows(band)).mark_area(opacity=0.25, color=BLUE).encode(
            x=x, y=axis("low", "sensitivity"), y2="high:Q"
        ),
        alt.Chart(rows(lines)).mark_line(interpolate="step-after").encode(
            x=x, y=y, color=colour, strokeDash=dash, order="order:Q"
        ),
        alt.Chart(rows(threshold)).mark_point(filled=True, size=120, shape="diamond", opacity=1).encode(
            x=x, y=y, color=colour, tooltip=[alt.Tooltip("x:Q", format=".3f", title="1 - specificity"),
                                             alt.Tooltip("y:Q", format=".3f", title="sensitivity")]
        ),
    ).properties(height=HEIGHT)  # fmt: skip


def reliability(splits: Mapping[str, Sequence[Mapping[str, Any]]]) -> Chart:
    """Return the fraction of pneumonia with its 95 % interval over the mean probability of each bin, by split."""
    names = {"validation": "validation", "validation_perturbed": "perturbed validation", "test": "test"}
    points = [
        {"x": point["probability"], "y": point["fraction"], "low": point["low"], "high": point["high"], "n": point["n"],
         "series": names[split]}
        for split, bins in splits.items()
        for point in bins
    ]  # fmt: skip
    domain = list(names.values())
    colour = alt.Color(
        "series:N", title=None, scale=alt.Scale(domain=domain, range=[GREY, ORANGE, BLUE]), legend=legend()
    )
    shape = alt.Shape(
        "series:N",
        title=None,
        scale=alt.Scale(domain=domain, range=["square", "triangle-up", "circle"]),
        legend=legend(),
    )
    x, y = axis("x", "mean probability of a bin"), axis("y", "fraction of pneumonia")
    base = alt.Chart(rows(points)).encode(x=x, color=colour)
    titles = (("x", "probability"), ("y", "fraction"), ("low", "lower bound"), ("high", "upper bound"))
    tooltips = [alt.Tooltip(f"{name}:Q", format=".3f", title=title) for name, title in titles]
    diagonal = alt.Chart(rows([{"x": 0, "y": 0}, {"x": 1, "y": 1}])).mark_line(color=GREY, strokeDash=[4, 4])
    return alt.layer(
        diagonal.encode(x=x, y=y),
        base.mark_line(opacity=0.5, strokeDash=[1, 3]).encode(y=y),
        base.mark_rule(size=1.5).encode(y=axis("low", "fraction of pneumonia"), y2="high:Q"),
        base.mark_point(filled=True, opacity=1, size=60).encode(
            y=y, shape=shape, tooltip=[*tooltips, alt.Tooltip("n:Q", title="images")]
        ),
    ).properties(height=HEIGHT)


def histogram(counts: Mapping[str, Any], threshold: float) -> Chart:
    """Return the number of test images by probability and class, with the threshold."""
    edges = counts["edges"]
    bars = [
        {"low": low, "high": high, "images": count, "series": name}
        for name in ("NORMAL", "PNEUMONIA")
        for low, high, count in zip(edges[:-1], edges[1:], counts[name], strict=True)
        if count
    ]
    colour = alt.Color(
        "series:N", title=None, scale=alt.Scale(domain=["NORMAL", "PNEUMONIA"], range=[BLUE, ORANGE]), legend=legend()
    )
    return alt.layer(
        alt.Chart(rows(bars)).mark_bar(opacity=0.75).encode(
            x=alt.X("low:Q", title="probability of pneumonia", scale=UNIT_INTERVAL, bin="binned"), x2="high:Q",
            y=alt.Y("images:Q", title="test images", stack=None, scale=alt.Scale(type="symlog", constant=10)),
            y2=alt.datum(0),
            color=colour, tooltip=["series:N", "images:Q"],
        ),
        alt.Chart(rows([{"x": threshold}])).mark_rule(strokeDash=[3, 3], size=2, color=GREY).encode(x="x:Q"),
    ).properties(height=HEIGHT)  # fmt: skip


def series(name: str, points: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
    """Return points as rows of a named series, in their order."""
    return [{"x": x, "y": y, "series": name, "order": number} for number, (x, y) in enumerate(points)]


def axis(field: str, title: str) -> Any:
    """Return an axis from 0 to 1: horizontal for `x`, vertical for every other field."""
    channel = alt.X if field == "x" else alt.Y
    return channel(f"{field}:Q", title=title, scale=UNIT_INTERVAL)


def legend() -> alt.Legend:
    """Return a legend below the chart."""
    return alt.Legend(orient="bottom", columns=1, labelLimit=320)


def rows(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return rows as a chart's data."""
    return {"values": [dict(row) for row in values]}
