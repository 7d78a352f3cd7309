"""What the API answers, as this app uses it; the whole contract is the API's own OpenAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from radiograph import RESIZE_MODES, ResizeMode

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Prediction:
    """The API's answer about one image. `probability` is that of PNEUMONIA, 0 to 1; `seconds` is the round trip."""

    label: str
    probability: float
    threshold: float
    threshold_source: str
    model_version: str
    request_id: str
    disclaimer: str
    seconds: float

    @property
    def positive(self) -> bool:
        """Whether the image is called PNEUMONIA: its probability is at or above the threshold."""
        return self.probability >= self.threshold

    @property
    def finding(self) -> str:
        """What the label means, in words."""
        return "Pneumonia suspected" if self.positive else "No pneumonia suspected"

    @property
    def margin(self) -> float:
        """How far the probability is from the threshold, 0 to 1."""
        return abs(self.probability - self.threshold)


@dataclass(frozen=True)
class HeatMap:
    """How much the log-odds of pneumonia fall when a cell of the image is covered; None where it was not asked.

    `minimum_change` is the smallest change, of either sign, that counts.
    """

    values: tuple[tuple[float | None, ...], ...]
    minimum_change: float
    resize_mode: ResizeMode
    complete: bool
    calls: int

    @property
    def strongest(self) -> float:
        """The number farthest from zero."""
        return max((value for row in self.values for value in row if value is not None), key=abs, default=0.0)

    @property
    def matters(self) -> bool:
        """Whether any cell changes the answer by more than noise."""
        return abs(self.strongest) >= self.minimum_change


@dataclass(frozen=True)
class Lease:
    """When the endpoint deletes itself; `extend_hours` is None where this API extends nothing."""

    ends: str
    seconds_left: int
    extend_hours: int | None


@dataclass(frozen=True)
class Model:
    """Which model answers. `evaluation` is its metrics.json, None where it was not evaluated."""

    version: str
    resize_mode: ResizeMode
    threshold: float
    threshold_source: str
    evaluation: Document | None
    report_url: str | None
    cost: Document | None
    lease: Lease | None


def prediction(document: Document, seconds: float) -> Prediction:
    """Read an answer of POST /predict. Raises KeyError, TypeError or ValueError where it is none."""
    words = ("label", "threshold_source", "model_version", "request_id", "disclaimer")
    return Prediction(
        probability=float(document["probability"]),
        threshold=float(document["threshold"]),
        seconds=seconds,
        **{name: str(document[name]) for name in words},
    )


def heat_map(document: Document) -> HeatMap:
    """Read an answer of POST /explain. Raises KeyError, TypeError or ValueError where it is none."""
    heat = document["heat_map"]
    rows = tuple(tuple(None if value is None else float(value) for value in row) for row in heat["values"])
    if not rows or not rows[0] or len({len(row) for row in rows}) != 1:
        raise ValueError("no grid")
    if heat["units"] != "log-odds":
        raise ValueError(f"unknown units {heat['units']!r}")
    minimum_change, mode = float(heat["minimum_change"]), resize_mode(heat["resize_mode"])
    return HeatMap(rows, minimum_change, mode, bool(heat["complete"]), int(heat["calls"]))


def model(document: Document) -> Model:
    """Read an answer of GET /model. Raises KeyError, TypeError or ValueError where it is none."""
    return Model(
        version=str(document["model_version"]),
        resize_mode=resize_mode(document["resize_mode"]),
        threshold=float(document["threshold"]),
        threshold_source=str(document["threshold_source"]),
        evaluation=document["evaluation"],
        report_url=document["report_url"],
        cost=document.get("cost"),
        lease=None if document["lease"] is None else lease(document["lease"]),
    )


def lease(document: Document) -> Lease:
    """Read a lease. Raises KeyError, TypeError or ValueError where it is none."""
    hours = document["extend_hours"]
    return Lease(str(document["ends"]), int(document["seconds_left"]), None if hours is None else int(hours))


def resize_mode(name: object) -> ResizeMode:
    """Return the resize_mode of a name. Raises ValueError where there is none."""
    for known in RESIZE_MODES:
        if name == known:
            return known
    raise ValueError(f"unknown resize_mode {name!r}")
