"""The JSON bodies of the API: type hints for the proxy, and the source of the schemas in openapi.json.

The deployed function never imports this module; pydantic is not in its package.
"""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from radiograph import MAX_UPLOAD_BYTES, ResizeMode

Probability = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
RequestId = Annotated[str, Field(description="API Gateway's id of the request")]
UploadId = Annotated[str, Field(pattern="^[0-9a-f]{32}$", examples=["0f8fad5bd9cb469fa16570867728950e"])]
Label = Annotated[str, Field(description="PNEUMONIA if probability is at or above threshold", examples=["NORMAL"])]
PneumoniaProbability = Annotated[Probability, Field(description="Calibrated probability of PNEUMONIA", examples=[0.07])]
Threshold = Annotated[Probability, Field(description="Lowest probability at which label is PNEUMONIA", examples=[0.41])]
ThresholdSource = Annotated[str, Field(description="How the threshold was chosen")]
ModelVersion = Annotated[str, Field(description="Training job of the model")]
Disclaimer = Annotated[str, Field(description="Show it with every prediction")]
RocPoint = Annotated[list[Probability], Field(description="1 - specificity, sensitivity", min_length=2, max_length=2)]
RocPoints = Annotated[list[RocPoint], Field(description="From (0, 0) to (1, 1)", min_length=2, max_length=512)]
BandValues = Annotated[list[Probability], Field(min_length=101, max_length=101)]
BinCounts = Annotated[list[Count], Field(min_length=40, max_length=40)]


class UploadReference(TypedDict):
    """An uploaded image, instead of the image itself."""

    upload_id: UploadId


class UploadAnnouncement(TypedDict):
    """Type and size of the image to upload."""

    content_type: Literal["image/jpeg", "image/png"]
    bytes: Annotated[int, Field(ge=1, le=MAX_UPLOAD_BYTES, examples=[12_345_678])]


class Upload(TypedDict):
    """Where to upload the image: send it to `url` with `method` and exactly these `headers`."""

    upload_id: UploadId
    url: Annotated[str, Field(json_schema_extra={"format": "uri"})]
    method: Literal["PUT"]
    headers: dict[str, str]
    expires_in: Annotated[Count, Field(description="Seconds for which url is valid", examples=[900])]
    request_id: RequestId


class Prediction(TypedDict):
    """The prediction for one image."""

    label: Label
    probability: PneumoniaProbability
    probabilities: Annotated[dict[str, Probability], Field(examples=[{"NORMAL": 0.93, "PNEUMONIA": 0.07}])]
    threshold: Threshold
    threshold_source: ThresholdSource
    model_version: ModelVersion
    request_id: RequestId
    disclaimer: Disclaimer


class HeatMap(TypedDict):
    """The change in log-odds of PNEUMONIA when a cell of the image is covered."""

    rows: Annotated[int, Field(description="7, or 4 or 3 if the model is too slow for more cells")]
    columns: Annotated[int, Field(description="The same as rows")]
    values: Annotated[
        list[list[float | None]],
        Field(
            description="Row by row: log-odds of the whole image minus those with the cell covered; positive where the "
            "cell raises the probability, null where time ran out"
        ),
    ]
    units: Annotated[Literal["log-odds"], Field(description="Of values, minimum_change and max; natural logarithm")]
    minimum_change: Annotated[
        float, Field(gt=0, description="Smaller changes, of either sign, are noise; if max is smaller, no cell matters")
    ]
    max: Annotated[float, Field(ge=0, description="Largest change of either sign in values")]
    complete: Annotated[bool, Field(description="Whether every cell has a value")]
    calls: Annotated[Count, Field(description="Calls of the model")]
    side: Annotated[int, Field(description="Side in pixels of the standardised image that the grid covers")]
    resize_mode: ResizeMode


class Explanation(TypedDict):
    """The prediction for one image, with the regions that change it."""

    label: Label
    probability: PneumoniaProbability
    threshold: Threshold
    model_version: ModelVersion
    request_id: RequestId
    disclaimer: Disclaimer
    heat_map: HeatMap


class LeaseStatus(TypedDict):
    """When the endpoint is deleted unless the operator extends its lease."""

    ends: Annotated[
        str, Field(description="UTC", json_schema_extra={"format": "date-time"}, examples=["2026-11-24T18:00:00Z"])
    ]
    seconds_left: Annotated[Count, Field(description="0 if the endpoint has been deleted")]


class Cost(TypedDict):
    """The price of the model's hosting, from a dated price list."""

    per_hour: Annotated[
        float, Field(ge=0, description="Of the minimum number of instances; 0 if billed by inference", examples=[0.115])
    ]
    per_inference_second: Annotated[
        float | None, Field(ge=0, description="Of a serverless endpoint, or of the API's function if it runs the model")
    ]
    currency: str
    what: Annotated[str, Field(description="What the price is for", examples=["1 x ml.m5.large"])]
    price_region: Annotated[str, Field(description="Region of the price list")]
    read: Annotated[str, Field(description="When the price list was read", json_schema_extra={"format": "date"})]


class RocBand(TypedDict):
    """The 95 % band of the sensitivity over resampled patients."""

    false_positive_rate: BandValues
    low: BandValues
    high: BandValues


class Roc(TypedDict):
    """The ROC curve on the test images."""

    points: RocPoints
    band: RocBand
    operating_point: RocPoint
    baseline: Annotated[RocPoints, Field(description="Curve of the 28-pixel logistic regression, (0, 0) to (1, 1)")]
    n: Annotated[Count, Field(description="Test images")]


class ReliabilityBin(TypedDict):
    """One bin: mean probability, and fraction of pneumonia with its 95 % interval."""

    probability: Probability
    fraction: Probability
    low: Probability
    high: Probability
    n: Annotated[int, Field(ge=1)]


class Histogram(TypedDict):
    """Test images of each class between two edges of probability."""

    edges: Annotated[list[Probability], Field(min_length=41, max_length=41)]
    NORMAL: BinCounts
    PNEUMONIA: BinCounts


class Curves(TypedDict):
    """The charts of the report, as numbers."""

    roc: Roc
    reliability: Annotated[
        dict[str, Annotated[list[ReliabilityBin], Field(max_length=10)]],
        Field(description="Bins of equal numbers of images, by split"),
    ]
    histogram: Histogram


class Estimate(TypedDict):
    """A value with its 95 % confidence interval and number of images."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class Audit(TypedDict):
    """How well one number of a file predicts the class, before and after standardising: AUROC by number."""

    sentences: list[str]
    before: dict[str, Estimate]
    after: dict[str, Estimate]


class ExternalEvaluation(TypedDict):
    """The model on all images of a data set of another population, with threshold and calibration unchanged."""

    collection: Annotated[str | None, Field(description="Public collection of the images, if known")]
    images: Annotated[Count, Field(description="Images with a score")]
    unknown_patients: Annotated[Count, Field(description="Images of unknown patients")]
    missing: Annotated[Count, Field(description="Images without a score")]
    metrics: dict[str, Estimate]


class Evaluation(TypedDict, total=False):
    """metrics.json of the evaluation: every figure with its 95 % confidence interval and n."""

    curves: Curves
    card: Annotated[dict[str, str], Field(description="The model card: text by title")]
    warnings: Annotated[list[str], Field(description="Sentences to show to every reader")]
    audit: Annotated[Audit | None, Field(description="null for a data set without an audit")]
    external: Annotated[
        dict[str, ExternalEvaluation],
        Field(description="Evaluations on other populations, by data set; empty if none is recorded"),
    ]


class Calibration(TypedDict):
    """The calibrated logit of PNEUMONIA is slope x logit + intercept."""

    slope: float
    intercept: float


class EndpointName(TypedDict):
    """The SageMaker endpoint."""

    name: str


class Model(TypedDict):
    """The deployed model."""

    model_version: ModelVersion
    classes: list[str]
    resize_mode: ResizeMode
    threshold: Threshold
    threshold_source: ThresholdSource
    calibration: Calibration
    evaluation: Annotated[Evaluation | None, Field(description="null if the model was not evaluated")]
    report_url: Annotated[str | None, Field(description="URL of the report, valid for 15 minutes")]
    endpoint: Annotated[EndpointName | None, Field(description="null if the API's function itself runs the model")]
    cost: Annotated[Cost | None, Field(description="null without a price")]
    lease: Annotated[LeaseStatus | None, Field(description="null if the endpoint has no lease")]
    disclaimer: Disclaimer
    request_id: RequestId


class Health(TypedDict):
    """The state of the API."""

    status: Literal["ok"]
    model_version: ModelVersion
    request_id: RequestId
    model: NotRequired[Annotated[Literal["ok"], Field(description="With deep=1: the model answered")]]


class Problem(TypedDict):
    """Problem details (RFC 9457)."""

    type: NotRequired[Annotated[str, Field(examples=["urn:pneumonia-api:problem:too_small"])]]
    title: Annotated[str, Field(examples=["Image too small"])]
    status: Annotated[int, Field(examples=[422])]
    detail: Annotated[str, Field(description="What was received, what is allowed, and what to do")]
    code: Annotated[str, Field(description="Stable name of the problem, for programs", examples=["too_small"])]
    request_id: NotRequired[RequestId]
