"""The evaluation's curves, drawn by the browser from the numbers of GET /model."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#8a8a8a"
"""Okabe and Ito's colours, which survive colour-blindness; each also has its own line or shape."""
HEIGHT = 440
"""In pixels, the legend's lines included."""
SHARE = alt.Scale(domain=[0, 1])
Chart = alt.LayerChart | alt.FacetChart


def roc(curve: Mapping[str, Any]) -> Chart:
    """Sensitivity over 1 - specificity with its 95 % band, the operating point, and the baseline's curve."""
    band = [
        {"x": x, "low": low, "high": high}
        for x, low, high in zip(*(curve["band"][name] for name in ("false_positive_rate", "low", "high")), strict=True)
    ]
    at = [{"x": curve["operating_point"][0], "y": curve["operating_point"][1], "what": "threshold in use"}]
    lines = [*named("model", curve["points"]), *named("28-pixel regression (baseline)", curve["baseline"])]
    x, y = axis("x", "1 - specificity"), axis("y", "sensitivity")
    colour = alt.Color(
        "what:N",
        title=None,
        scale=alt.Scale(
            domain=["model", "28-pixel regression (baseline)", "threshold in use"], range=[BLUE, GREY, ORANGE]
        ),
        legend=legend(),
    )
    dash = alt.StrokeDash(
        "what:N",
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
        alt.Chart(rows(at)).mark_point(filled=True, size=120, shape="diamond", opacity=1).encode(
            x=x, y=y, color=colour, tooltip=[alt.Tooltip("x:Q", format=".3f", title="1 - specificity"),
                                             alt.Tooltip("y:Q", format=".3f", title="sensitivity")]
        ),
    ).properties(height=HEIGHT)  # fmt: skip


def reliability(splits: Mapping[str, Sequence[Mapping[str, Any]]]) -> Chart:
    """Share of pneumonia with its 95 % interval over the mean probability of each bin, for each split."""
    names = {"validation": "validation", "validation_stressed": "perturbed validation", "test": "test"}
    points = [
        {"x": one["probability"], "y": one["fraction"], "low": one["low"], "high": one["high"], "n": one["n"],
         "what": names[split]}
        for split, bins in splits.items()
        for one in bins
    ]  # fmt: skip
    domain = list(names.values())
    colour = alt.Color(
        "what:N", title=None, scale=alt.Scale(domain=domain, range=[GREY, ORANGE, BLUE]), legend=legend()
    )
    shape = alt.Shape(
        "what:N", title=None, scale=alt.Scale(domain=domain, range=["square", "triangle-up", "circle"]), legend=legend()
    )
    x, y = axis("x", "mean probability of a bin"), axis("y", "share of pneumonia")
    base = alt.Chart(rows(points)).encode(x=x, color=colour)
    titles = (("x", "probability"), ("y", "fraction"), ("low", "lower end"), ("high", "upper end"))
    told = [alt.Tooltip(f"{name}:Q", format=".3f", title=title) for name, title in titles]
    diagonal = alt.Chart(rows([{"x": 0, "y": 0}, {"x": 1, "y": 1}])).mark_line(color=GREY, strokeDash=[4, 4])
    return alt.layer(
        diagonal.encode(x=x, y=y),
        base.mark_line(opacity=0.5, strokeDash=[1, 3]).encode(y=y),
        base.mark_rule(size=1.5).encode(y=axis("low", "share of pneumonia"), y2="high:Q"),
        base.mark_point(filled=True, opacity=1, size=60).encode(
            y=y, shape=shape, tooltip=[*told, alt.Tooltip("n:Q", title="images")]
        ),
    ).properties(height=HEIGHT)


def histogram(found: Mapping[str, Any], threshold: float) -> Chart:
    """Number of test images by probability and class, with the threshold."""
    edges = found["edges"]
    bars = [
        {"low": low, "high": high, "images": count, "what": name}
        for name in ("NORMAL", "PNEUMONIA")
        for low, high, count in zip(edges[:-1], edges[1:], found[name], strict=True)
        if count
    ]
    colour = alt.Color(
        "what:N", title=None, scale=alt.Scale(domain=["NORMAL", "PNEUMONIA"], range=[BLUE, ORANGE]), legend=legend()
    )
    return alt.layer(
        alt.Chart(rows(bars)).mark_bar(opacity=0.75).encode(
            x=alt.X("low:Q", title="probability of pneumonia", scale=SHARE, bin="binned"), x2="high:Q",
            y=alt.Y("images:Q", title="test images", stack=None, scale=alt.Scale(type="symlog", constant=10)),
            y2=alt.datum(0),
            color=colour, tooltip=["what:N", "images:Q"],
        ),
        alt.Chart(rows([{"x": threshold}])).mark_rule(strokeDash=[3, 3], size=2, color=GREY).encode(x="x:Q"),
    ).properties(height=HEIGHT)  # fmt: skip


def named(name: str, points: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
    """Return points as rows of a named curve, in their order."""
    return [{"x": x, "y": y, "what": name, "order": number} for number, (x, y) in enumerate(points)]


def axis(field: str, title: str) -> Any:
    """Return an axis from 0 to 1; `x` runs across, every other field up."""
    kind = alt.X if field == "x" else alt.Y
    return kind(f"{field}:Q", title=title, scale=SHARE)


def legend() -> alt.Legend:
    """Return a legend that leaves the width to the chart."""
    return alt.Legend(orient="bottom", columns=1, labelLimit=320)


def rows(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return rows as a chart's data."""
    return {"values": [dict(one) for one in values]}
