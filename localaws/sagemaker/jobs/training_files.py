"""The files of a training job under /opt/ml: configuration, channels, results and failure."""

import json
import tarfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from localaws.sagemaker.aws.objects import Objects
from localaws.sagemaker.aws.transfer import DataError, download, list_input, upload
from localaws.sagemaker.container.registry import Algorithm
from localaws.sagemaker.context import LONGEST_REASON
from localaws.sagemaker.jobs.job import JobFailedError
from localaws.sagemaker.store import Document

PROGRESS_SECONDS = 2.0


def check_content_types(request: Document, algorithm: Algorithm) -> None:
    """Check that the algorithm takes every channel's ContentType.

    Raises:
        JobFailedError: a ContentType is not allowed; in the words of SageMaker's built-in algorithms.
    """
    if algorithm.content_types is None:
        return
    for channel in request.get("InputDataConfig", []):
        content_type = channel.get("ContentType")
        if content_type is not None and content_type.split(";")[0].strip().lower() not in algorithm.content_types:
            raise JobFailedError(
                "ClientError: Unable to initialize the algorithm. Failed to validate input data configuration: "
                f"'{content_type}' (channel {channel['ChannelName']}) is not one of {sorted(algorithm.content_types)}."
            )


def write_configuration(root: Path, request: Document) -> None:
    """Write input/config and create the folders of SageMaker's training container contract."""
    for folder in ("input/config", "input/data", "model", "output/data", "checkpoints"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    channels = {
        channel["ChannelName"]: {
            "ContentType": channel.get("ContentType"),
            "TrainingInputMode": channel.get("InputMode", request["AlgorithmSpecification"]["TrainingInputMode"]),
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        for channel in request.get("InputDataConfig", [])
    }
    configuration = {
        "hyperparameters": request.get("HyperParameters", {}),
        "inputdataconfig": channels,
        "resourceconfig": {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo"},
    }
    for name, content in configuration.items():
        (root / "input" / "config" / f"{name}.json").write_text(json.dumps(content, indent=2))


def download_channels(
    s3: Objects,
    root: Path,
    request: Document,
    role_arn: str,
    region: str,
    on_line: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> None:
    """Download every channel to input/data/<channel> and log the progress.

    Raises:
        JobFailedError: "ClientError: Data download failed: ...".
        OSError: the disk is full.
    """
    for channel in request.get("InputDataConfig", []):
        source = channel["DataSource"]["S3DataSource"]
        folder = root / "input" / "data" / channel["ChannelName"]
        folder.mkdir(parents=True, exist_ok=True)
        try:
            objects = list_input(s3, source)
            if not objects:
                raise DataError(no_objects_message(source["S3Uri"], region, role_arn))
            progress = DownloadProgress(channel["ChannelName"], len(objects), on_line)
            download(s3, objects, folder, progress.step, cancelled)
        except DataError as error:
            raise JobFailedError(f"ClientError: Data download failed: {error}") from error


def no_objects_message(uri: str, region: str, role_arn: str) -> str:
    """Return SageMaker's sentence for an input without objects."""
    bucket = uri.partition("://")[2].partition("/")[0]
    return (
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists '
        f"in the selected region ({region}), that objects exist under that S3 prefix, and that the role "
        f'"{role_arn}" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )


class DownloadProgress:
    """Counts the downloaded objects of a channel and logs the count every two seconds and at the end."""

    def __init__(self, channel: str, total: int, on_line: Callable[[str], None]) -> None:
        self.channel = channel
        self.total = total
        self.on_line = on_line
        self.lock = threading.Lock()
        self.count = 0
        self.reported = time.monotonic()

    def step(self) -> None:
        """Count one object."""
        with self.lock:
            self.count += 1
            now = time.monotonic()
            if self.count < self.total and now - self.reported < PROGRESS_SECONDS:
                return
            self.reported = now
            self.on_line(f"Downloading channel {self.channel}: {self.count} of {self.total} objects")


def upload_results(s3: Objects, root: Path, request: Document) -> None:
    """Upload model/ and output/data to S3OutputPath/<job>/output, unless they are empty.

    Raises:
        JobFailedError: "ClientError: Artifact upload failed: ...".
        OSError: the disk is full.
    """
    target = output_uri(request)
    packed = request["OutputDataConfig"].get("CompressionType", "GZIP") == "GZIP"
    try:
        for folder, name in ((root / "model", "model"), (root / "output" / "data", "output")):
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            if files and packed:
                upload(s3, pack(folder, root / f"{name}.tar.gz"), f"{target}/{name}.tar.gz")
            for path in files if not packed else []:
                upload(s3, path, f"{target}/{name}/{path.relative_to(folder).as_posix()}")
    except DataError as error:
        raise JobFailedError(f"ClientError: Artifact upload failed: {error}") from error


def output_uri(request: Document) -> str:
    """Return the URI of a job's results, S3OutputPath/<job>/output."""
    return f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{request['TrainingJobName']}/output"


def pack(folder: Path, target: Path) -> Path:
    """Write the content of `folder` to the root of a .tar.gz and return its path."""
    temporary = target.with_suffix(".partial")
    with tarfile.open(temporary, "w:gz", compresslevel=6) as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, arcname=path.name)
    return temporary.replace(target)


def failure_reason(root: Path, code: int) -> str:
    """Return the FailureReason of a container that ended with `code`, from output/failure if it exists."""
    path = root / "output" / "failure"
    text = path.read_text("utf-8", "replace").strip() if path.is_file() else ""
    if not text:
        text = "See the job's log for the cause"
        if code == 137:
            text = "The process was killed (SIGKILL), most likely because the memory of this machine ran out"
    if text.startswith("Customer Error:"):
        text = "ClientError:" + text.removeprefix("Customer Error:")
    if not text.startswith(("ClientError:", "AlgorithmError:", "InternalServerError:")):
        text = f"AlgorithmError: {text}"
    ending = f", exit code: {code}"
    return text[: LONGEST_REASON - len(ending)] + ending
