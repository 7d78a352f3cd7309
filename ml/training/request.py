"""The CreateTrainingJob request: a pure function of the data set, the stack and the options."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml import algorithms
from ml.algorithms import BUILT_IN
from ml.aws.instance_types import has_local_disks
from ml.aws.resources import Resources
from ml.errors import UserError
from ml.training.script_mode import METRICS, Program

CHANNELS = {"train": "train", "validation": "validation_perturbed"}
"""The part of the data set in each channel. `validation` chooses the epoch that the container keeps, and clean
validation images rank models in the wrong order."""
MAX_RUNTIME_LIMIT = 28 * 86400
SPOT_WAIT = 4 * 3600
"""Default of --max-wait beyond --max-runtime, in seconds."""
VOLUME_GB = 50
"""Disk of a training job; the published data sets, standardised, take less than 5 GB."""
CREATED_BY = {"Key": "project", "Value": "chest-xray-classifier"}


@dataclass(frozen=True)
class Compute:
    """The instance and the time limits of a job.

    Attributes:
        max_runtime: seconds of training.
        max_wait: seconds of training and of waiting for spot capacity; None for `max_runtime` plus SPOT_WAIT.
    """

    instance_type: str = algorithms.DEFAULT_INSTANCE[BUILT_IN]
    spot: bool = True
    max_runtime: int = 4 * 3600
    max_wait: int | None = None
    algorithm: str = BUILT_IN

    @property
    def wait(self) -> int:
        """Seconds until SageMaker stops a spot job, started or not."""
        return self.max_runtime + SPOT_WAIT if self.max_wait is None else self.max_wait

    def check(self) -> None:
        """Check the values against the limits of the algorithm and of SageMaker.

        Raises:
            UserError: a value is not allowed.
        """
        algorithms.check_instance_type(self.algorithm, self.instance_type)
        if not 60 <= self.max_runtime <= MAX_RUNTIME_LIMIT:
            raise UserError(f"--max-runtime {self.max_runtime} must be from 60 to {MAX_RUNTIME_LIMIT} seconds.", 2)
        if self.spot and self.wait < self.max_runtime:
            raise UserError(f"--max-wait {self.wait} must be at least --max-runtime ({self.max_runtime}).", 2)


def build(
    name: str,
    dataset: str,
    resources: Resources,
    program: Program,
    hyperparameters: Mapping[str, str],
    compute: Compute,
    data_format: str = "lst",
) -> dict[str, Any]:
    """Return the request for a job on data set NAME/VERSION.

    Checkpoints for spot interruptions go to checkpoints/<job>.

    Args:
        data_format: one of `formats.FORMATS`.

    Raises:
        UserError: the compute options are not allowed.
    """
    compute.check()
    stopping = {"MaxRuntimeInSeconds": compute.max_runtime}
    if compute.spot:
        stopping["MaxWaitTimeInSeconds"] = compute.wait
    request: dict[str, Any] = {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": program.image, "TrainingInputMode": "File"},
        "RoleArn": resources.role,
        "HyperParameters": dict(hyperparameters),
        "InputDataConfig": channels(f"s3://{resources.bucket}/datasets/{dataset}", data_format),
        "OutputDataConfig": {"S3OutputPath": f"s3://{resources.bucket}/training"},
        "ResourceConfig": {
            "InstanceType": compute.instance_type,
            "InstanceCount": 1,
            "VolumeSizeInGB": VOLUME_GB,
        },
        "StoppingCondition": stopping,
        "EnableManagedSpotTraining": compute.spot,
        "Tags": [CREATED_BY, {"Key": "dataset", "Value": dataset}],
    }
    if program.source:
        request["AlgorithmSpecification"]["MetricDefinitions"] = list(METRICS)
        request["HyperParameters"] = program.hyperparameters(name, hyperparameters)
    if program.weights:
        request["InputDataConfig"].append(channel("weights", program.weights, "application/octet-stream"))
    if resources.key:
        request["OutputDataConfig"]["KmsKeyId"] = resources.key
        if not has_local_disks(compute.instance_type):
            request["ResourceConfig"]["VolumeKmsKeyId"] = resources.key
    if compute.spot:
        request["CheckpointConfig"] = {"S3Uri": f"s3://{resources.bucket}/checkpoints/{name}"}
    return request


def channels(prefix: str, data_format: str) -> list[dict[str, Any]]:
    """Return the input channels of a data set in its format (Image Classification, developer guide)."""
    if data_format == "recordio":
        return [
            channel(name, f"{prefix}/recordio/{part}/", "application/x-recordio") for name, part in CHANNELS.items()
        ]
    lists = {f"{name}_lst": f"{part}_lst" for name, part in CHANNELS.items()}
    return [channel(name, f"{prefix}/{part}/", "application/x-image") for name, part in (CHANNELS | lists).items()]


def channel(name: str, uri: str, content_type: str) -> dict[str, Any]:
    """Return one input channel with all objects of a prefix."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": source},
        "ContentType": content_type,
        "CompressionType": "None",
        "RecordWrapperType": "None",
    }
