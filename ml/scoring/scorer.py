"""A trained model, the account and instance in which batch transform runs it, and the price."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.aws.resources import Resources, of_stage
from ml.errors import UserError
from ml.training import plan, prices

INSTANCE_TYPE = "ml.m5.4xlarge"
"""A container scores about one image per vCPU at a time: a larger instance is faster at about the same price."""
OUTPUTS = "transform"
"""Prefix of the bucket for the outputs of jobs."""
Confirm = Callable[[int], None]
"""Ask whether to pay for a job over that many images; raise UserError if not."""


@dataclass(frozen=True)
class BatchScorer:
    """A trained model, and where batch transform runs it.

    Attributes:
        stage: the model's stage.
        training_job: the job that trained it.
        algorithm: the one that it trained.
        container: image, environment and artifact, as CreateModel takes them.
        resources: bucket, role and key of the stage.
        external: the data set of another population that is scored; None for the model's own data set or other images.
        instances: number of instances of a job.
    """

    stage: str
    training_job: str
    algorithm: str
    container: Mapping[str, Any]
    resources: Resources
    instance_type: str
    external: str | None = None
    instances: int = 1

    def new_job(self, purpose: str = "eval") -> str:
        """Return a name for a transform job and its model, at most 63 characters; `purpose` has at most 11.

        It contains the time to the microsecond: no two jobs have the same name.
        """
        return f"{self.training_job[:30].rstrip('-')}-{purpose}-{dt.datetime.now(dt.UTC):%Y%m%d%H%M%S%f}"

    @property
    def command(self) -> str:
        """The command that follows and stops the jobs, for messages."""
        external = f" --external {self.external}" if self.external else ""
        return f"python -m ml.transform --stage {self.stage}{external}"

    def target(self, name: str) -> str:
        """Return the prefix of the model's outputs with this name, without a slash at its end."""
        return f"s3://{self.resources.bucket}/{OUTPUTS}/{self.training_job}/{name}"


def scorer_of(stage: str, entry: Mapping[str, Any], instance_type: str, instances: int = 1) -> BatchScorer:
    """Return the scorer for a stage's model in cdk.context.json.

    Raises:
        UserError: the storage stack is not deployed.
    """
    container = {"Image": entry["image"], "Environment": entry["environment"], "ModelDataUrl": entry["artifact"]}
    resources = of_stage(stage)
    return BatchScorer(
        stage, entry["training_job"], entry["algorithm"], container, resources, instance_type, instances=instances
    )


def confirmation(
    entry: Mapping[str, Any], instance_type: str, price_table: Path | None, yes: bool, instances: int = 1
) -> Confirm:
    """Return a function that prints time and price of a job over n images and, unless `yes`, asks whether to go on.

    Args:
        entry: the model's entry in cdk.context.json.

    Raises:
        UserError: the entry does not say what serves the model, or the instance type or the price table is not allowed.
    """
    if missing := sorted({"algorithm", "image", "environment"} - entry.keys()):
        raise UserError(
            f"The model in cdk.context.json has no {', '.join(missing)}; run `python -m ml.train` to write it again."
        )
    table = prices.read(price_table)
    prices.vcpus(instance_type)

    def confirm(images: int) -> None:
        estimate = prices.transform(table, instance_type, images, entry["algorithm"], instances=instances)
        print(f"Transform job over {images:,} images on {instances} x {instance_type}.")
        print(f"Estimate: {estimate} ({estimate.basis}).", flush=True)
        if not yes:
            plan.confirm()

    return confirm
