"""The fields of the API's responses that the app uses; the API's OpenAPI document has the whole contract."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator

from radiograph import ResizeMode

Grid = tuple[tuple[float | None, ...], ...]


class Response(BaseModel):
    """An immutable part of a response. Fields that the app does not use are ignored."""

    model_config = ConfigDict(frozen=True)


class Prediction(Response):
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


class HeatMap(Response):
    """How much the log-odds of pneumonia fall when a cell of the image is covered; None for an unmeasured cell.

    `minimum_change` is the smallest change, of either sign, that counts.
    """

    values: Grid
    units: Literal["log-odds"]
    minimum_change: float
    resize_mode: ResizeMode
    complete: bool
    calls: int

    @field_validator("values")
    @classmethod
    def check_grid(cls, values: Grid) -> Grid:
        """Raise ValueError if the rows are empty or differ in length."""
        if not values or not values[0] or len({len(row) for row in values}) != 1:
            raise ValueError("must be a grid")
        return values

    @property
    def strongest(self) -> float:
        """Return the value farthest from 0."""
        return max((value for row in self.values for value in row if value is not None), key=abs, default=0.0)

    @property
    def significant(self) -> bool:
        """Return whether any cell changes the prediction by more than noise."""
        return abs(self.strongest) >= self.minimum_change


class Upload(Response):
    """Where to send an image by PUT with exactly these headers, and its id for /predict and /explain."""

    upload_id: str
    url: str
    headers: dict[str, str]


class LeaseStatus(Response):
    """When the endpoint will be deleted."""

    ends: str
    seconds_left: int


class Model(Response):
    """The deployed model. `evaluation` is its metrics.json, None if it was not evaluated.

    `endpoint` is None if the API's function itself runs the model.
    """

    model_version: str
    resize_mode: ResizeMode
    threshold: float
    threshold_source: str
    evaluation: dict[str, Any] | None
    report_url: str | None
    cost: dict[str, Any] | None = None
    endpoint: dict[str, Any] | None
    lease: LeaseStatus | None
