"""The processing jobs of a preparation: their requests, their progress and their end."""

import datetime as dt
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ml.aws import clients, errors, image_uris
from ml.aws.instance_types import has_local_disks
from ml.aws.resources import Resources
from ml.errors import UserError
from ml.progress import Progress
from ml.training import prices
from ml.training.follow import ENDED, LogReader
from ml.training.request import CREATED_BY

GROUP = "/aws/sagemaker/ProcessingJobs"
FOLDER = "/opt/ml/processing"
POLL_SECONDS = 2.0
MAX_RUNTIME = 5 * 86400
"""Seconds until SageMaker stops a job."""
RUN = "PREPARE_RUN"
"""Variable of a job's environment with the prefix of its preparation."""

UNLISTED = (
    "The role of the job reads the buckets in the setting source_buckets: add the source's bucket to it and deploy the "
    "storage stack again."
)


@dataclass(frozen=True)
class Machines:
    """The number of instances of the sharded stages, and the type of all instances."""

    count: int
    instance_type: str


@dataclass(frozen=True)
class JobInput:
    """An input: a prefix or an object that all instances get, or a manifest whose objects are divided among them."""

    name: str
    uri: str
    sharded: bool = False

    def member(self) -> dict[str, Any]:
        """Return the ProcessingInput."""
        location = {
            "S3Uri": self.uri,
            "LocalPath": f"{FOLDER}/{self.name}",
            "S3DataType": "ManifestFile" if self.sharded else "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "ShardedByS3Key" if self.sharded else "FullyReplicated",
        }
        return {"InputName": self.name, "S3Input": location}


@dataclass(frozen=True)
class JobDefinition:
    """What one job does.

    Attributes:
        stage: name of the stage in `ml.processing.container`.
        target: URI of the output.
        continuous: whether files are uploaded before the job's end, so that a failed job keeps what it has done.
        volume_gb: disk of an instance.
    """

    stage: str
    inputs: list[JobInput]
    target: str
    machines: Machines
    continuous: bool
    volume_gb: int


def name_of(key: str, stage: str) -> str:
    """Return the name of a new job."""
    return f"prepare-{key}-{stage}-{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S%f}"


def stage_of(name: str) -> str:
    """Return the stage of a job, from its name."""
    return name.split("-")[2]


def request(name: str, job: JobDefinition, run: str, resources: Resources, region: str) -> dict[str, Any]:
    """Return the CreateProcessingJob request.

    The image is that of PyTorch's training container, without using PyTorch: of the images of AWS that have Python and
    pip, it has the newest Python for which all pinned packages have wheels, and the role can already pull it.
    """
    cluster: dict[str, Any] = {
        "InstanceCount": job.machines.count,
        "InstanceType": job.machines.instance_type,
        "VolumeSizeInGB": job.volume_gb,
    }
    output: dict[str, Any] = {
        "Outputs": [
            {
                "OutputName": "out",
                "S3Output": {
                    "S3Uri": job.target,
                    "LocalPath": f"{FOLDER}/out",
                    "S3UploadMode": "Continuous" if job.continuous else "EndOfJob",
                },
            }
        ]
    }
    if resources.key:
        output["KmsKeyId"] = resources.key
        if not has_local_disks(job.machines.instance_type):
            cluster["VolumeKmsKeyId"] = resources.key
    return {
        "ProcessingJobName": name,
        "AppSpecification": {
            "ImageUri": image_uris.training_image("pytorch", region),
            "ContainerEntrypoint": ["python3", f"{FOLDER}/code/bootstrap.py"],
            "ContainerArguments": [FOLDER, job.stage],
        },
        "Environment": {RUN: run},
        "NetworkConfig": {"EnableNetworkIsolation": True},
        "ProcessingInputs": [job_input.member() for job_input in job.inputs],
        "ProcessingOutputConfig": output,
        "ProcessingResources": {"ClusterConfig": cluster},
        "RoleArn": resources.role,
        "StoppingCondition": {"MaxRuntimeInSeconds": MAX_RUNTIME},
        "Tags": [CREATED_BY],
    }


def running(key: str) -> str | None:
    """Return the name of the running job of a preparation."""
    pages = clients.client("sagemaker").get_paginator("list_processing_jobs").paginate(NameContains=f"prepare-{key}-")
    jobs = [job for page in pages for job in page["ProcessingJobSummaries"]]
    return next((str(job["ProcessingJobName"]) for job in jobs if job["ProcessingJobStatus"] not in ENDED), None)


def describe(job: str) -> dict[str, Any]:
    """Return the description of a processing job.

    Raises:
        UserError: there is no such job.
    """
    sagemaker = clients.client("sagemaker")
    return clients.description(
        lambda: sagemaker.describe_processing_job(ProcessingJobName=job), f"processing job {job}", POLL_SECONDS
    )


def follow(job: str, command: str, table: Mapping[str, Any]) -> None:
    """Show the progress of a job until its end, and what it cost.

    Raises:
        UserError: it failed or was stopped, or AWS can no longer be reached.
    """
    with errors.advising(errors.still_billed("Processing job", job, command)):
        description = wait(job)
    print(f"Processing job {job}: {cost_of(description, table)}.", flush=True)
    if description["ProcessingJobStatus"] != "Completed":
        reasons = (description.get("ExitMessage"), description.get("FailureReason"))
        reason = next((text for text in reasons if text), f"it is {description['ProcessingJobStatus'].lower()}")
        denied = "AccessDenied" in reason and stage_of(job) == "standardise"
        remedy = f"{UNLISTED} Then the" if denied else "The"
        raise UserError(
            f"Processing job {job} did not complete: {reason.rstrip('.')}. Its log is in CloudWatch Logs, group "
            f"{GROUP}. {remedy} same command, or `{command} --attach {job}`, does what is missing."
        )


def wait(job: str) -> dict[str, Any]:
    """Return the description of a job at its end; show the sum of what its instances have done."""
    reader, progress, done = LogReader(clients.client("logs"), job, GROUP), None, Counts()
    stage = stage_of(job)
    print(f"Following processing job {job}.", flush=True)
    while True:
        description = describe(job)
        done.read(clients.retry_on_connection_error(reader.new_lines, POLL_SECONDS))
        if done.total:
            unit = "images" if stage == "standardise" else "packs"
            progress = progress or Progress(f"Stage {stage}", done.total, unit)
            progress.total = done.total
            progress.advance(done.done - progress.done)
        if description["ProcessingJobStatus"] in ENDED:
            if progress:
                progress.finish()
            return description
        time.sleep(POLL_SECONDS)


class Counts:
    """What the instances of a job have done, from the lines `progress HOST DONE TOTAL` of their logs."""

    def __init__(self) -> None:
        self.of_hosts: dict[str, tuple[int, int]] = {}

    def read(self, lines: Iterable[str]) -> None:
        """Read new lines."""
        for line in lines:
            if line.startswith("progress "):
                _, host, done, total = line.split()
                self.of_hosts[host] = int(done), int(total)

    @property
    def done(self) -> int:
        """The sum over the instances."""
        return sum(done for done, _ in self.of_hosts.values())

    @property
    def total(self) -> int:
        """The sum over the instances that have written a line."""
        return sum(total for _, total in self.of_hosts.values())


def cost_of(description: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    """Return the time and the price of a job that has ended."""
    cluster = description["ProcessingResources"]["ClusterConfig"]
    if "ProcessingStartTime" not in description:
        return "not started"
    seconds = (description["ProcessingEndTime"] - description["ProcessingStartTime"]).total_seconds()
    hourly = table["processing_hour"].get(cluster["InstanceType"])
    count = cluster["InstanceCount"]
    money = "no price in the table" if hourly is None else (
        f"about {count * prices.cost(seconds, hourly):.2f} {table['currency']} on demand"
    )  # fmt: skip
    return f"{seconds:.0f} s on {count} x {cluster['InstanceType']}, {money}"
