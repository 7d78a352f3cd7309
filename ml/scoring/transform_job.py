"""One batch transform job with its own model: create it, follow it, stop it, read its .out objects."""

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import botocore.exceptions

from ml.algorithms import BUILT_IN
from ml.aws import clients, errors
from ml.aws.errors import explain
from ml.aws.instance_types import has_local_disks
from ml.aws.s3 import Bucket, split_uri
from ml.progress import Progress
from ml.scoring import output_files
from ml.scoring.scorer import BatchScorer
from ml.training import prices
from ml.training.request import CREATED_BY

POLL_SECONDS = 1.0
COUNT_SECONDS = 5.0
"""Between two counts of the outputs; longer for many, because listing takes a second for 1,000 keys."""
LOG_SECONDS = 30.0
"""Between two lines of progress in a log file."""
ENDED = ("Completed", "Failed", "Stopped")
INPUTS = "transform-input"
"""Prefix of the bucket for the input of jobs: images of a folder, manifests."""
REFUSED = (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError)


def create(scorer: BatchScorer, job: str, source: dict[str, str], target: str) -> None:
    """Create a transform job and its model, which have the same name; `wait` deletes the model.

    Args:
        source: the S3DataSource.
        target: URI of the output prefix.

    Raises:
        botocore.exceptions.ClientError: SageMaker refused; the model is deleted again.
    """
    sagemaker, resources = clients.client("sagemaker"), scorer.resources
    built = request(job, source, target, scorer.instance_type, scorer.algorithm, resources.key, scorer.instances)
    sagemaker.create_model(
        ModelName=job,
        PrimaryContainer=dict(scorer.container),
        ExecutionRoleArn=resources.role,
        EnableNetworkIsolation=True,
    )
    try:
        sagemaker.create_transform_job(**built)
    except BaseException:
        delete_model(job)
        raise


def request(
    job: str,
    source: dict[str, str],
    target: str,
    instance_type: str,
    algorithm: str,
    key: str | None = None,
    instances: int = 1,
) -> dict[str, Any]:
    """Return the CreateTransformJob request: one image a record, one JSON line an object.

    Args:
        job: name of the job and of its model.
        source: the S3DataSource.
        key: the KMS key that encrypts the outputs, and the volume of an instance type without local disks.
        instances: number of instances, among which SageMaker divides the objects.

    Raises:
        UserError: there is no such instance type.
    """
    output = {"S3OutputPath": target, "Accept": "application/jsonlines", "AssembleWith": "Line"}
    resources: dict[str, Any] = {"InstanceType": instance_type, "InstanceCount": instances}
    if key:
        output["KmsKeyId"] = key
        if not has_local_disks(instance_type):
            resources["VolumeKmsKeyId"] = key
    workers = prices.workers(instance_type, algorithm)
    # Without it, SageMaker sends one request at a time to a container that does not state its concurrency.
    # The workers times the payload must be at most 100 (CreateTransformJob, MaxPayloadInMB); 6 is the default.
    payload = max(1, min(6, 100 // workers))
    concurrent = min(workers, 100 // payload)
    concurrency = {} if algorithm == BUILT_IN and concurrent == workers else {"MaxConcurrentTransforms": concurrent}
    return {
        "TransformJobName": job,
        "ModelName": job,
        "BatchStrategy": "SingleRecord",
        **concurrency,
        "MaxPayloadInMB": payload,
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": "application/x-image",
            "CompressionType": "None",
            "SplitType": "None",
        },
        "TransformOutput": output,
        "TransformResources": resources,
        "Tags": [CREATED_BY],
    }


def send(scorer: BatchScorer, job: str, prefix: str, names: Sequence[str], target: str) -> None:
    """Create a job over images, given by their paths below a prefix that ends in a slash."""
    key = f"{INPUTS}/{job}.manifest"
    body = json.dumps([{"prefix": prefix}, *names]).encode()
    Bucket(scorer.resources.bucket).put(key, body, "application/json")
    create(scorer, job, {"S3DataType": "ManifestFile", "S3Uri": f"s3://{scorer.resources.bucket}/{key}"}, target)


def follow(scorer: BatchScorer, job: str, target: str, total: int, attach: bool = True) -> tuple[dict[str, str], str]:
    """Wait for a job's end; return the outputs by path, and the reason of its failure or else its status.

    Args:
        attach: whether --attach follows the job again; otherwise the same command does.

    Raises:
        UserError: AWS can no longer be reached, or the outputs cannot be read.
    """
    billed = errors.still_billed("Transform job", job, scorer.command, attach)
    with errors.advising(billed if attach else f"{billed} The same command follows it again."):
        description = wait(job, target, total)
    command = f"`{scorer.command} --attach {job}`" if attach else "the same command"
    with errors.advising(f"Transform job {job} has ended; {command} takes its scores."):
        outputs = read_outputs(target)
    return outputs, str(description.get("FailureReason") or description["TransformJobStatus"])


def follow_running(scorer: BatchScorer, batch: str, target: str, total: int) -> tuple[dict[str, str], str | None]:
    """Follow the running job of a batch if there is one; return the outputs below `target`, and how the job ended.

    The newest job may have ended while no command followed it; then only its model is left to delete.
    """
    pages = clients.client("sagemaker").get_paginator("list_transform_jobs").paginate(NameContains=batch)
    newest = next((job for page in pages for job in page["TransformJobSummaries"]), None)
    if newest is not None and newest["TransformJobStatus"] == "InProgress":
        print(f"Following transform job {newest['TransformJobName']}.", flush=True)
        return follow(scorer, newest["TransformJobName"], target, total, attach=False)
    if newest is not None:
        delete_model(newest["TransformJobName"])
    return read_outputs(target), None


def wait(job: str, target: str, total: int) -> dict[str, Any]:
    """Wait for a job's end while counting the outputs of `total` images; delete its model; return its description."""
    sagemaker, progress, counted = clients.client("sagemaker"), None, 0.0
    while True:
        description: dict[str, Any] = clients.retry_on_connection_error(
            lambda: sagemaker.describe_transform_job(TransformJobName=job), POLL_SECONDS
        )
        ended = description["TransformJobStatus"] in ENDED
        if ended or time.monotonic() - counted >= max(COUNT_SECONDS, total / 1000):
            scored = clients.retry_on_connection_error(lambda: len(output_keys(target)), POLL_SECONDS)
            progress = progress or Progress("Scored", total, every=LOG_SECONDS, done=0 if ended else scored)
            progress.advance(scored - progress.done)
            counted = time.monotonic()
        if ended and progress:
            progress.finish()
            delete_model(job)
            return description
        time.sleep(POLL_SECONDS)


def stop(job: str) -> str:
    """Stop a job and delete its model; one that has ended stays as it is. Return the status it had.

    Raises:
        botocore.exceptions.ClientError: there is no such job, or these credentials may not stop it.
    """
    sagemaker = clients.client("sagemaker")
    status = str(sagemaker.describe_transform_job(TransformJobName=job)["TransformJobStatus"])
    if status not in ENDED:
        sagemaker.stop_transform_job(TransformJobName=job)
    delete_model(job)
    return status


def delete_model(job: str) -> None:
    """Delete a job's model, if it is still there. It costs nothing, so a refusal is only printed."""
    try:
        clients.client("sagemaker").delete_model(ModelName=job)
    except REFUSED as error:
        if "Could not find model" not in str(error):
            print(f"Model {job} is left in SageMaker, at no cost: {explain(error)}", file=sys.stderr)


def output_keys(target: str) -> list[str]:
    """Return the key of every .out object below an output prefix."""
    bucket, prefix = split_uri(target)
    return [key for key in Bucket(bucket).sizes(f"{prefix}/") if key.endswith(output_files.SUFFIX)]


def read_outputs(target: str) -> dict[str, str]:
    """Return the text of every .out object by its path below an output prefix."""
    bucket, prefix = split_uri(target)
    keys = output_keys(target)
    texts = Bucket(bucket).map(lambda body: body.decode(errors="replace"), keys)
    return {key.removeprefix(f"{prefix}/"): text for key, text in zip(keys, texts, strict=True)}
