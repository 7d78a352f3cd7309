"""The CreateTrainingJob request: a pure function of the data set, the stack and the options."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml.aws.instance_types import has_local_disks
from ml.aws.resources import Resources
from ml.errors import UserError

CHANNELS = {"train": "train", "validation": "validation_perturbed"}
"""The part of the data set in each channel. The container keeps the epoch with the best accuracy on `validation`, and
clean validation images rank models in the wrong order."""
FAMILIES = ("p2", "p3", "g4dn", "g5")
"""Documented for the algorithm. Its CUDA 11.1 supports compute capabilities up to 8.6: no L4, L40S or H100."""
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

    instance_type: str = "ml.g4dn.xlarge"
    spot: bool = True
    max_runtime: int = 4 * 3600
    max_wait: int | None = None

    @property
    def wait(self) -> int:
        """Seconds until SageMaker stops a spot job, started or not."""
        return self.max_runtime + SPOT_WAIT if self.max_wait is None else self.max_wait

    def check(self) -> None:
        """Check the values against the limits of the algorithm and of SageMaker.

        Raises:
            UserError: a value is not allowed.
        """
        match = re.fullmatch(r"ml\.([a-z0-9]+)\.[a-z0-9]+", self.instance_type)
        if match is None or match[1] not in FAMILIES:
            raise UserError(
                f"--instance-type {self.instance_type} cannot run the algorithm; use ml.{'.*, ml.'.join(FAMILIES)}.* "
                "(the CUDA 11.1 of its container does not support newer GPUs).",
                code=2,
            )
        if not 60 <= self.max_runtime <= MAX_RUNTIME_LIMIT:
            raise UserError(f"--max-runtime {self.max_runtime} must be from 60 to {MAX_RUNTIME_LIMIT} seconds.", 2)
        if self.spot and self.wait < self.max_runtime:
            raise UserError(f"--max-wait {self.wait} must be at least --max-runtime ({self.max_runtime}).", 2)


def build(
    name: str,
    dataset: str,
    resources: Resources,
    hyperparameters: Mapping[str, str],
    compute: Compute,
    data_format: str = "lst",
) -> dict[str, Any]:
    """Return the request for a job on data set NAME/VERSION; `data_format` is one of `formats.FORMATS`.

    Checkpoints for spot interruptions go to checkpoints/<job>.

    Raises:
        UserError: the compute options are not allowed.
    """
    compute.check()
    stopping = {"MaxRuntimeInSeconds": compute.max_runtime}
    if compute.spot:
        stopping["MaxWaitTimeInSeconds"] = compute.wait
    request: dict[str, Any] = {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": resources.image, "TrainingInputMode": "File"},
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
