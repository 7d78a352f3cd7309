"""The CreateTrainingJob request: a pure function of the data set, the stack and the options."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml.errors import UserError

LST_CHANNELS = ("train", "validation", "train_lst", "validation_lst")
RECORD_CHANNELS = ("train", "validation")
FAMILIES = ("p2", "p3", "g4dn", "g5")
"""Documented for the algorithm. Its CUDA 11.1 drives GPUs up to compute capability 8.6: no L4, L40S or H100."""
MAX_RUNTIME_LIMIT = 28 * 86400
SPOT_WAIT = 4 * 3600
"""Seconds that a job may wait for spot capacity beyond --max-runtime, unless --max-wait says otherwise."""
CREATED_BY = {"Key": "project", "Value": "chest-xray-classifier"}

EBS_FAMILIES = ("p2", "p3")
"""Families without a disk of their own. The others, g4dn and g5 among them, encrypt theirs in hardware and refuse
VolumeKmsKeyId (CreateTrainingJob, ResourceConfig)."""


@dataclass(frozen=True)
class Compute:
    """Where and for how long a job may run.

    Attributes:
        max_runtime: seconds of training.
        max_wait: seconds of training and of waiting for spot capacity; None for `max_runtime` plus SPOT_WAIT.
        volume_gb: GB of disk for the images and their records.
    """

    instance_type: str = "ml.g4dn.xlarge"
    spot: bool = True
    max_runtime: int = 4 * 3600
    max_wait: int | None = None
    volume_gb: int = 50
    network_isolation: bool = False

    @property
    def wait(self) -> int:
        """Seconds until SageMaker gives a spot job up."""
        return self.max_runtime + SPOT_WAIT if self.max_wait is None else self.max_wait

    def check(self) -> None:
        """Check against what the algorithm and the service allow.

        Raises:
            UserError: a value is not allowed.
        """
        match = re.fullmatch(r"ml\.([a-z0-9]+)\.[a-z0-9]+", self.instance_type)
        if match is None or match[1] not in FAMILIES:
            raise UserError(
                f"--instance-type {self.instance_type} cannot run the algorithm; use ml.{'.*, ml.'.join(FAMILIES)}.* "
                "(its container has CUDA 11.1, which drives no newer GPU).",
                code=2,
            )
        if not 60 <= self.max_runtime <= MAX_RUNTIME_LIMIT:
            raise UserError(f"--max-runtime {self.max_runtime} must be from 60 to {MAX_RUNTIME_LIMIT} seconds.", 2)
        if self.spot and self.wait < self.max_runtime:
            raise UserError(f"--max-wait {self.wait} must be at least --max-runtime ({self.max_runtime}).", 2)
        if not 5 <= self.volume_gb <= 16384:
            raise UserError(f"--volume-gb {self.volume_gb} must be from 5 to 16384.", 2)


@dataclass(frozen=True)
class Place:
    """What the storage stack and the region say; `key` is the ARN of the stack's KMS key, if it has one."""

    bucket: str
    role: str
    image: str
    key: str | None = None


def build(
    name: str,
    dataset: str,
    place: Place,
    hyperparameters: Mapping[str, str],
    compute: Compute,
    form: str = "lst",
    tags: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the request for a job over data set NAME/VERSION, whose channels have one of `formats.FORMATS`.

    `checkpoint_frequency` is left to the hyperparameters; checkpoints for spot interruptions go to checkpoints/<job>.

    Raises:
        UserError: the compute options are not allowed.
    """
    compute.check()
    stopping = {"MaxRuntimeInSeconds": compute.max_runtime}
    if compute.spot:
        stopping["MaxWaitTimeInSeconds"] = compute.wait
    request: dict[str, Any] = {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": place.image,
            "TrainingInputMode": "File",
        },
        "RoleArn": place.role,
        "HyperParameters": dict(hyperparameters),
        "InputDataConfig": channels(f"s3://{place.bucket}/datasets/{dataset}", form),
        "OutputDataConfig": {"S3OutputPath": f"s3://{place.bucket}/training"},
        "ResourceConfig": {
            "InstanceType": compute.instance_type,
            "InstanceCount": 1,
            "VolumeSizeInGB": compute.volume_gb,
        },
        "StoppingCondition": stopping,
        "EnableManagedSpotTraining": compute.spot,
        "EnableNetworkIsolation": compute.network_isolation,
        "Tags": [
            CREATED_BY,
            *({"Key": key, "Value": value} for key, value in {**(tags or {}), "dataset": dataset}.items()),
        ],
    }
    if place.key:
        request["OutputDataConfig"]["KmsKeyId"] = place.key
        if compute.instance_type.split(".")[1] in EBS_FAMILIES:
            request["ResourceConfig"]["VolumeKmsKeyId"] = place.key
    if compute.spot:
        request["CheckpointConfig"] = {"S3Uri": f"s3://{place.bucket}/checkpoints/{name}"}
    return request


def channels(prefix: str, form: str) -> list[dict[str, Any]]:
    """Return the input channels of a data set as its format wants them (Image Classification, developer guide)."""
    if form == "recordio":
        return [channel(name, f"{prefix}/recordio/{name}/", "application/x-recordio") for name in RECORD_CHANNELS]
    return [channel(name, f"{prefix}/{name}/", "application/x-image") for name in LST_CHANNELS]


def channel(name: str, uri: str, content_type: str) -> dict[str, Any]:
    """Return one input channel: every object below a prefix, on every machine, as files."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": source},
        "ContentType": content_type,
        "CompressionType": "None",
        "RecordWrapperType": "None",
    }
