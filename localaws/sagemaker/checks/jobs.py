"""What SageMaker and localaws refuse in a training or transform job's request beyond the API model."""

import posixpath

from localaws.errors import ServiceError, invalid
from localaws.sagemaker.container.registry import Algorithm
from localaws.sagemaker.store import Document

DEFAULT_RUNTIME_SECONDS = 86400
"""Default MaxRuntimeInSeconds (API reference: one day)."""
MAX_RUNTIME_SECONDS = 28 * 86400
"""Largest MaxRuntimeInSeconds (API reference: 28 days)."""
DEFAULT_CHECKPOINTS = "/opt/ml/checkpoints"
"""Default LocalPath of CheckpointConfig (API reference)."""
GPU_FAMILIES = ("ml.p2.", "ml.p3.", "ml.g4dn.", "ml.g5.")
"""What the built-in Image Classification trains on (Guide, Image Classification, instance recommendation)."""
MAX_PAYLOAD_MB = 100
"""Limit of MaxPayloadInMB, and of its product with MaxConcurrentTransforms (API reference)."""


def check_training(request: Document, algorithm: Algorithm) -> None:
    """Check that a CreateTrainingJob request can run.

    Raises:
        ServiceError: ValidationException, or ResourceLimitExceeded for more than one instance.
    """
    if algorithm.metrics and request["AlgorithmSpecification"].get("MetricDefinitions"):
        raise invalid(
            "You can't override the metric definitions for Amazon SageMaker algorithms. "
            "Please retry the request without specifying metric definitions."
        )
    resources = request["ResourceConfig"]
    instance = resources.get("InstanceType") or first_preference(resources)
    if not instance or not resources.get("InstanceCount"):
        raise invalid("ResourceConfig must have InstanceType (or InstancePreferences) and InstanceCount.")
    if algorithm.gpu_only and not instance.startswith(GPU_FAMILIES):
        raise invalid(
            f"Instance type {instance} is not supported by algorithm {algorithm.repository}; only GPU instances are "
            "supported."
        )
    one_machine(instance, "training job", resources["InstanceCount"])
    check_stopping(request)
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"Channel names must be unique; {name} appears {names.count(name)} times.")
    for channel in request.get("InputDataConfig", []):
        check_channel(request, channel, algorithm)
    check_uri(request["OutputDataConfig"]["S3OutputPath"])
    if "CheckpointConfig" in request:
        check_checkpoints(request["CheckpointConfig"])


def check_checkpoints(config: Document) -> None:
    """Check that checkpoints are below /opt/ml, the only folder of a job in localaws.

    Raises:
        ServiceError: ValidationException.
    """
    path = posixpath.normpath(config.get("LocalPath", DEFAULT_CHECKPOINTS))
    if not path.startswith("/opt/ml/"):
        raise invalid(f"CheckpointConfig.LocalPath must be a folder below /opt/ml in localaws, not {path}.")
    check_uri(config["S3Uri"])


def first_preference(resources: Document) -> str | None:
    """Return the first instance type of InstancePreferences."""
    preferences = resources.get("InstancePreferences", [])
    return preferences[0]["InstanceType"] if preferences else None


def one_machine(instance: str, usage: str, count: int) -> None:
    """Check that a job needs one instance only.

    Raises:
        ServiceError: ResourceLimitExceeded, as for an account-level quota.
    """
    if count > 1:
        raise ServiceError(
            "ResourceLimitExceeded",
            f"The account-level service limit '{instance} for {usage} usage' is 1 Instances, with current utilization "
            f"of 0 Instances and a request delta of {count} Instances. localaws has one machine: set InstanceCount "
            "to 1.",
        )


def check_stopping(request: Document) -> None:
    """Check StoppingCondition against EnableManagedSpotTraining.

    Raises:
        ServiceError: ValidationException.
    """
    condition = request.get("StoppingCondition", {})
    runtime = condition.get("MaxRuntimeInSeconds", DEFAULT_RUNTIME_SECONDS)
    if runtime > MAX_RUNTIME_SECONDS:
        raise invalid(f"Invalid MaxRuntimeInSeconds {runtime}. It must be at most {MAX_RUNTIME_SECONDS} (28 days).")
    wait = condition.get("MaxWaitTimeInSeconds")
    if request.get("EnableManagedSpotTraining"):
        if wait is None or wait < runtime:
            raise invalid(
                "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
                f"MaxRuntimeInSeconds ({runtime})."
            )
    elif wait is not None:
        raise invalid("MaxWaitTimeInSeconds may only be set together with EnableManagedSpotTraining.")


def check_channel(request: Document, channel: Document, algorithm: Algorithm) -> None:
    """Check that a channel can be downloaded.

    Raises:
        ServiceError: ValidationException.
    """
    name = channel["ChannelName"]
    mode = channel.get("InputMode", request["AlgorithmSpecification"]["TrainingInputMode"])
    if mode != "File":
        raise invalid(
            f"{algorithm.repository} reads its channels in File mode in localaws; channel {name} has InputMode {mode}."
        )
    check_source(channel["DataSource"].get("S3DataSource"), f"channel {name}")
    if "ShuffleConfig" in channel:
        raise invalid(f"Channel {name}: ShuffleConfig is not available in localaws; remove it.")
    if channel.get("CompressionType", "None") != "None":
        raise invalid(
            f"Channel {name}: CompressionType Gzip is not available in localaws; upload the files as they are."
        )


def check_source(source: Document | None, owner: str) -> None:
    """Check that localaws can read an input.

    Raises:
        ServiceError: ValidationException.
    """
    kind = source["S3DataType"] if source else "another data source"
    if source is None or kind not in ("S3Prefix", "ManifestFile"):
        raise invalid(
            f"The input of {owner} must be an S3DataSource of type S3Prefix or ManifestFile in localaws, not {kind}."
        )
    check_uri(source["S3Uri"])


def check_uri(uri: str) -> None:
    """Check that `uri` has the form s3://bucket/key.

    Raises:
        ServiceError: ValidationException.
    """
    if not uri.startswith("s3://") or not uri.removeprefix("s3://").split("/")[0]:
        raise invalid(f"The S3 location {uri} must have the form s3://bucket/key.")


def check_transform(request: Document, algorithm: Algorithm) -> None:
    """Check that a CreateTransformJob request can run.

    Raises:
        ServiceError: ValidationException.
    """
    source = request["TransformInput"]
    check_source(source["DataSource"]["S3DataSource"], "the transform job")
    if source.get("SplitType", "None") != "None" or source.get("CompressionType", "None") != "None":
        raise invalid(
            f"{algorithm.repository} takes one object per request; SplitType and CompressionType must be None."
        )
    payload, concurrent = request.get("MaxPayloadInMB", 6), request.get("MaxConcurrentTransforms", 0)
    if payload > MAX_PAYLOAD_MB or payload * concurrent > MAX_PAYLOAD_MB:
        raise invalid(
            f"MaxPayloadInMB ({payload}), and its product with MaxConcurrentTransforms ({concurrent}), "
            f"must be at most {MAX_PAYLOAD_MB}."
        )
    processing = request.get("DataProcessing", {})
    if processing.get("JoinSource", "None") != "None" or {
        processing.get("InputFilter"),
        processing.get("OutputFilter"),
    } - {None, "$"}:
        raise invalid(
            "DataProcessing filters and joins records; they are not available in localaws for single objects."
        )
    check_uri(request["TransformOutput"]["S3OutputPath"])
