"""One batch transform job: from a prefix of films to the text of each .out file."""

import contextlib
import datetime as dt
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import botocore.exceptions

from ml import aws
from ml.errors import UserError

POLL_SECONDS = 1.0
ENDED = ("Completed", "Failed", "Stopped")


@contextmanager
def temporary_model(artifact: str, image: str, role: str, job: str) -> Iterator[str]:
    """Create the model a transform needs; it is deleted afterwards, whatever happened.

    Its name, at most 50 characters, holds the time to the microsecond: no two evaluations share one.
    """
    sagemaker = aws.client("sagemaker")
    name = f"{job[:32].rstrip('-')}-eval-{dt.datetime.now(dt.UTC):%H%M%S%f}"
    sagemaker.create_model(
        ModelName=name,
        PrimaryContainer={"Image": image, "ModelDataUrl": artifact},
        ExecutionRoleArn=role,
        EnableNetworkIsolation=True,
    )
    try:
        yield name
    finally:
        sagemaker.delete_model(ModelName=name)


def run(model: str, source: str, target: str, instance_type: str) -> tuple[dict[str, str], str | None]:
    """Transform every image under `source`, an S3 prefix; return text by output key, and SageMaker's failure reason.

    A job fails when one image does; the others are scored all the same, so that their output is returned too.

    Raises:
        UserError: the job was stopped.
    """
    sagemaker = aws.client("sagemaker")
    part = re.sub(r"[^a-zA-Z0-9]+", "-", source.rstrip("/").rsplit("/", 1)[-1]).strip("-")
    name = job_name(model, part)
    sagemaker.create_transform_job(**request(name, model, source, f"{target}/{name}", instance_type))
    try:
        description = wait(sagemaker, name)
    except BaseException:
        # Nobody would see its end, and it is billed until then.
        with contextlib.suppress(botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError):
            sagemaker.stop_transform_job(TransformJobName=name)
        raise
    if description["TransformJobStatus"] == "Stopped":
        raise UserError(f"Transform job {name} was stopped; run the command again.")
    bucket, _, prefix = f"{target}/{name}/".removeprefix("s3://").partition("/")
    return read_outputs(bucket, prefix), description.get("FailureReason")


def job_name(model: str, part: str) -> str:
    """Return a transform job's name, at most 63 characters; the model's is kept whole, as it is what makes it new."""
    return f"{model}-{part}"[:63].rstrip("-")


def request(name: str, model: str, source: str, target: str, instance_type: str) -> dict[str, Any]:
    """Return the CreateTransformJob request: one image a record, one JSON line a file."""
    return {
        "TransformJobName": name,
        "ModelName": model,
        "BatchStrategy": "SingleRecord",
        "MaxPayloadInMB": 6,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}},
            "ContentType": "application/x-image",
            "CompressionType": "None",
            "SplitType": "None",
        },
        "TransformOutput": {"S3OutputPath": target, "Accept": "application/jsonlines", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": instance_type, "InstanceCount": 1},
    }


def wait(sagemaker: Any, name: str) -> dict[str, Any]:
    """Wait for a transform job to end; return its description."""
    while True:
        description: dict[str, Any] = aws.patiently(
            lambda: sagemaker.describe_transform_job(TransformJobName=name), POLL_SECONDS
        )
        if description["TransformJobStatus"] in ENDED:
            return description
        time.sleep(POLL_SECONDS)


def read_outputs(bucket: str, prefix: str) -> dict[str, str]:
    """Return the text of every .out object under a prefix, by key."""
    s3 = aws.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", []) if item["Key"].endswith(".out")]

    def read(key: str) -> str:
        return str(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())

    with ThreadPoolExecutor(16) as pool:
        return dict(zip(keys, pool.map(read, keys), strict=True))
