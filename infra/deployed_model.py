"""The model that a stage deploys, from the entry that `ml.train` and `ml.transform` write to cdk.context.json."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from pydantic import Field

from infra.errors import SettingsError
from infra.setting_types import StrictModel, accepts, allowed, refused

ResizeMode = Literal["squash", "pad"]
RESIZE_MODES: tuple[str, ...] = get_args(ResizeMode)
"""How radiograph makes an image square."""


class DeployedCalibration(StrictModel, extra="forbid"):
    """Slope and intercept on the logit of PNEUMONIA."""

    slope: float = Field(gt=0)
    intercept: float


class DeployedGraph(StrictModel, extra="forbid"):
    """The model's ONNX graph, which `ml.export` wrote, and the SHA-256 of its content."""

    uri: str = Field(pattern=r"^s3://[a-z0-9.-]{3,63}/.+/model\.onnx$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class DeployedModel(StrictModel):
    """What the endpoint and the API need to know about a model; other keys of the entry are ignored.

    Attributes:
        artifact: s3://.../model.tar.gz.
        image: URI of the container image that serves it.
        environment: variables of the container.
        training_job: the job that trained it, shown as the model's version.
        classes: in the order of the model's output.
        resize_mode: how non-square training images were fitted to 224 x 224; see radiograph.standardise.
        threshold: the lowest probability of PNEUMONIA that is labelled PNEUMONIA.
        threshold_source: a sentence on how the threshold was chosen.
        gate: "passed" or "forced"; any other text says why the model is not released.
        report: s3://.../report.html, next to metrics.json; "" if the model has none.
        graph: what hosting=function needs; None for a model that was not exported.
    """

    artifact: str = Field(
        pattern=r"^s3://[a-z0-9.-]{3,63}/.+/model\.tar\.gz$",
        json_schema_extra=accepts("an s3:// URI of a model.tar.gz"),
    )
    image: str = Field(
        pattern=r"^[0-9]{12}\.dkr\.ecr\.[a-z0-9.-]+/[a-z0-9._/-]+:[a-zA-Z0-9._-]+$",
        json_schema_extra=accepts("the URI of a container image in Amazon ECR, with a tag"),
    )
    environment: dict[str, str] = Field(json_schema_extra=accepts("an object of texts"))
    training_job: str = Field(
        pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$", json_schema_extra=accepts("the name of a training job")
    )
    classes: tuple[Literal["NORMAL"], Literal["PNEUMONIA"]] = Field(
        strict=False, json_schema_extra=accepts('["NORMAL", "PNEUMONIA"], in this order')
    )
    resize_mode: ResizeMode
    threshold: float = Field(ge=0, le=1, json_schema_extra=accepts("a number from 0 to 1"))
    threshold_source: str = Field(pattern=r"\S", json_schema_extra=accepts("a sentence"))
    calibration: DeployedCalibration = Field(
        json_schema_extra=accepts("slope, a number above 0, and intercept, a number")
    )
    gate: str = Field(pattern=r"\S", json_schema_extra=accepts('"passed", "forced", or a reason'))
    report: str = Field(
        "", pattern=r"^(s3://[a-z0-9.-]{3,63}/.+/report\.html)?$",
        json_schema_extra=accepts("an s3:// URI of a report.html, or left out"),
    )  # fmt: skip

    graph: DeployedGraph | None = Field(
        None, json_schema_extra=accepts("uri, s3://.../model.onnx, and sha256, 64 hexadecimal digits, or left out")
    )

    @property
    def deployable(self) -> bool:
        """Whether `ml.transform` released it."""
        return self.gate in ("passed", "forced")

    @property
    def evaluation(self) -> str:
        """The prefix s3://.../ of metrics.json and report.html; "" if the model has none."""
        return self.report.removesuffix("report.html")


def read(context: Mapping[str, Any], stage: str) -> DeployedModel | None:
    """Return the stage's model, or None if no model was trained for it.

    Raises:
        SettingsError: the entry is not valid; one line for each fault.
    """
    entry = context.get(f"model:{stage}")
    if entry is None:
        return None
    if isinstance(entry, dict):
        fields = DeployedModel.model_fields
        faults = [
            f"{name} is {entry.get(name)!r}; it must be {allowed(fields[name])}"
            for name in refused(DeployedModel, entry)
        ]
    else:
        faults = [f"it is {entry!r}; it must be an object"]
    if faults:
        remedy = f"Run `python -m ml.train --stage {stage}` to write it again."
        raise SettingsError.listing(f"model:{stage} in cdk.context.json", faults, remedy)
    return DeployedModel.model_validate(entry)
