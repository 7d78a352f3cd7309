"""What SageMaker and localaws refuse in a processing job's request beyond the API model."""

import posixpath

from localaws.errors import invalid
from localaws.sagemaker.checks.jobs import check_source, check_uri
from localaws.sagemaker.container.registry import Algorithm
from localaws.sagemaker.store import Document

FOLDER = "/opt/ml/processing/"
"""Where every LocalPath begins (API reference)."""
PYTHON = ("python", "python3")
"""The commands of a container that localaws has."""


def check_processing(request: Document, algorithm: Algorithm) -> None:
    """Check that a CreateProcessingJob request can run.

    Raises:
        ServiceError: ValidationException.
    """
    cluster = request["ProcessingResources"]["ClusterConfig"]
    if not cluster.get("InstanceType") or not cluster.get("InstanceCount"):
        raise invalid("ClusterConfig must have InstanceType and InstanceCount in localaws.")
    entrypoint = request["AppSpecification"].get("ContainerEntrypoint", [])
    if not algorithm.has_python or entrypoint[:1] not in [[name] for name in PYTHON]:
        raise invalid(
            f"localaws runs a processing job of {algorithm.repository} with ContainerEntrypoint {entrypoint} only if "
            f"the image has Python and the entrypoint begins with {' or '.join(PYTHON)}."
        )
    inputs = request.get("ProcessingInputs", [])
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    for source in inputs:
        check_input(source)
    for output in outputs:
        check_output(output)
    paths = [source["S3Input"]["LocalPath"] for source in inputs] + [each["S3Output"]["LocalPath"] for each in outputs]
    for name in [source["InputName"] for source in inputs], [each["OutputName"] for each in outputs], paths:
        for text in name:
            if name.count(text) > 1:
                raise invalid(f"Names and local paths of inputs and outputs must be unique; {text} appears twice.")


def check_input(source: Document) -> None:
    """Check that an input can be downloaded.

    Raises:
        ServiceError: ValidationException.
    """
    name, location = source["InputName"], source.get("S3Input")
    if location is None or source.get("AppManaged"):
        raise invalid(f"Input {name} must be an S3Input in localaws, without AppManaged.")
    check_source(location, f"input {name}")
    if location.get("S3InputMode", "File") != "File" or location.get("S3CompressionType", "None") != "None":
        raise invalid(f"Input {name} must have S3InputMode File and S3CompressionType None in localaws.")
    check_path(name, location)


def check_output(output: Document) -> None:
    """Check that an output can be uploaded.

    Raises:
        ServiceError: ValidationException.
    """
    name, location = output["OutputName"], output.get("S3Output")
    if location is None or output.get("AppManaged"):
        raise invalid(f"Output {name} must be an S3Output in localaws, without AppManaged.")
    check_uri(location["S3Uri"])
    check_path(name, location)


def check_path(name: str, location: Document) -> None:
    """Check that LocalPath is below /opt/ml/processing.

    Raises:
        ServiceError: ValidationException.
    """
    path = location.get("LocalPath", "")
    if not f"{posixpath.normpath(path)}/".startswith(FOLDER):
        raise invalid(f"LocalPath {path!r} of {name} must be an absolute path that begins with {FOLDER}.")
