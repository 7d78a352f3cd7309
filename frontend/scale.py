"""The scales of the probability and of the heat map, as HTML in the page's colours."""

from frontend.api_models import HeatMap, Prediction
from frontend.formatting import percent
from radiograph.heat import AGAINST, FOR, full_colour

BELOW, ABOVE = "#3b7dbb", "#d9822b"
"""Blue and orange differ for every common colour vision; the text beside them says the same."""


def probability_scale(prediction: Prediction) -> str:
    """Return a bar from 0 to 1 with the threshold as a line and the probability as a dot."""
    probability, threshold = prediction.probability, prediction.threshold
    positive = prediction.positive
    description = (
        f"Probability of pneumonia {percent(probability)}, threshold {percent(threshold)}: "
        f"{'at or above' if positive else 'below'} the threshold."
    )
    bar = (
        "position:absolute;left:0;right:0;top:2.2rem;height:0.7rem;border-radius:0.35rem;opacity:0.45;"
        f"background:linear-gradient(to right,{BELOW} {100 * threshold:.2f}%,{ABOVE} {100 * threshold:.2f}%)"
    )
    line = f"position:absolute;left:{100 * threshold:.2f}%;top:1.8rem;height:1.5rem;border-left:2px solid currentColor"
    colour = ABOVE if positive else BELOW
    dot = (
        f"position:absolute;left:calc({100 * probability:.2f}% - 0.6rem);top:1.95rem;width:1.2rem;height:1.2rem;"
        f"box-sizing:border-box;border-radius:50%;border:2px solid currentColor;background:{colour}"
    )
    parts = "".join(f'<div style="{style}"></div>' for style in (bar, line, dot))
    labels = label(probability, "0", percent(probability), bold=True)
    labels += label(threshold, "3.5rem", f"threshold {percent(threshold)}")
    return (
        f'<div role="img" aria-label="{description}" style="position:relative;height:5.2rem;margin:0 0.6rem">'
        f"{parts}{labels}</div>"
    )


def label(value: float, top: str, text: str, bold: bool = False) -> str:
    """Return a text centred on a value of the scale, or aligned to the scale near its ends."""
    shift = 0 if value < 0.15 else -100 if value > 0.85 else -50
    weight = 700 if bold else 400
    style = f"position:absolute;left:{100 * value:.2f}%;top:{top};transform:translateX({shift}%);font-weight:{weight}"
    return f'<div style="{style};white-space:nowrap">{text}</div>'


def heat_scale(heat: HeatMap) -> str:
    """Return the legend of a heat map: its unit, and the change that has the full colour."""
    full = full_colour(heat.values)
    least = heat.minimum_change / full
    stops = [(AGAINST, 1.0, 0.0), (AGAINST, least, 50 - 50 * least), (AGAINST, 0.0, 50 - 50 * least),
             (FOR, 0.0, 50 + 50 * least), (FOR, least, 50 + 50 * least), (FOR, 1.0, 100.0)]  # fmt: skip
    colours = ",".join(f"rgba({r},{g},{b},{alpha:.3f}) {at:.2f}%" for (r, g, b), alpha, at in stops)
    bar = f"height:0.7rem;border:1px solid currentColor;background:linear-gradient(to right,{colours})"
    labels = "".join(f"<span>{text}</span>" for text in (f"rises by {full:.2f}", "0", f"falls by {full:.2f}"))
    return (
        f'<div style="font-size:0.875rem">Change in log-odds when the region is covered<div style="{bar}"></div>'
        f'<div style="display:flex;justify-content:space-between">{labels}</div>'
        f"Regions below {heat.minimum_change:g} are not coloured.</div>"
    )
