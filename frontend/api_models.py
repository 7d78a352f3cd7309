"""The fields of the API's responses that the app uses; the API's OpenAPI document has the whole contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from radiograph import RESIZE_MODES, ResizeMode

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Prediction:
    """A prediction for one image. `probability` is that of PNEUMONIA, 0 to 1; `seconds` is the round trip."""

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
        """Return whether the probability is at or above the threshold."""
        return self.probability >= self.threshold

    @property
    def finding(self) -> str:
        """Return the result as a person reads it."""
        return "Pneumonia suspected" if self.positive else "No pneumonia suspected"

    @property
    def margin(self) -> float:
        """Return the distance of the probability from the threshold, 0 to 1."""
        return abs(self.probability - self.threshold)


@dataclass(frozen=True)
class HeatMap:
    """How much the log-odds of pneumonia fall when a cell of the image is covered; None if it was not measured.

    `floor` is the smallest change, of either sign, that counts.
    """

    values: tuple[tuple[float | None, ...], ...]
    floor: float
    resize_mode: ResizeMode
    complete: bool
    calls: int

    @property
    def strongest(self) -> float:
        """Return the value farthest from 0."""
        return max((value for row in self.values for value in row if value is not None), key=abs, default=0.0)

    @property
    def significant(self) -> bool:
        """Return whether any cell changes the prediction by more than noise."""
        return abs(self.strongest) >= self.floor


@dataclass(frozen=True)
class Lease:
    """When the endpoint will be deleted."""

    ends: str
    seconds_left: int


@dataclass(frozen=True)
class Model:
    """The deployed model. `evaluation` is its metrics.json, None if it was not evaluated."""

    version: str
    resize_mode: ResizeMode
    threshold: float
    threshold_source: str
    evaluation: Document | None
    report_url: str | None
    cost: Document | None
    lease: Lease | None


def prediction(document: Document, seconds: float) -> Prediction:
    """Read a response of POST /predict. Raises KeyError, TypeError or ValueError if it is malformed."""
    texts = ("label", "threshold_source", "model_version", "request_id", "disclaimer")
    return Prediction(
        probability=float(document["probability"]),
        threshold=float(document["threshold"]),
        seconds=seconds,
        **{name: str(document[name]) for name in texts},
    )


def heat_map(document: Document) -> HeatMap:
    """Read a response of POST /explain. Raises KeyError, TypeError or ValueError if it is malformed."""
    heat = document["heat_map"]
    rows = tuple(tuple(None if value is None else float(value) for value in row) for row in heat["values"])
    if not rows or not rows[0] or len({len(row) for row in rows}) != 1:
        raise ValueError("heat_map.values must be a grid")
    if heat["units"] != "log-odds":
        raise ValueError(f"unknown units {heat['units']!r}")
    return HeatMap(
        rows, float(heat["floor"]), resize_mode(heat["resize_mode"]), bool(heat["complete"]), int(heat["calls"])
    )


def model(document: Document) -> Model:
    """Read a response of GET /model. Raises KeyError, TypeError or ValueError if it is malformed."""
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
    """Read a lease. Raises KeyError, TypeError or ValueError if it is malformed."""
    return Lease(str(document["ends"]), int(document["seconds_left"]))


def resize_mode(name: object) -> ResizeMode:
    """Return the resize mode of a name. Raises ValueError if it is unknown."""
    for mode in RESIZE_MODES:
        if name == mode:
            return mode
    raise ValueError(f"unknown resize_mode {name!r}")
