"""The files of each training run beside its artifact, such as run.json and metrics.json."""

import csv
import datetime as dt
import io
import json
import subprocess
from collections.abc import Mapping
from typing import Any

from ml.aws import clients, image_uris
from ml.aws.s3 import Bucket, split_uri
from ml.dataset import upload
from ml.errors import UserError
from ml.evaluation.evaluate import Previous
from ml.training import prices, script_mode
from ml.training.log_parser import JobLog

PREFIX = "training/"
CONTENT_TYPES = {"json": "application/json", "html": "text/html; charset=utf-8", "csv": "text/csv",
                 "onnx": "application/octet-stream"}  # fmt: skip


def location(artifact: str, name: str) -> tuple[str, str]:
    """Return bucket and key of a file beside an artifact, s3://BUCKET/training/JOB/output/model.tar.gz."""
    bucket, key = split_uri(artifact)
    return bucket, key.removesuffix("output/model.tar.gz") + name


def put(artifact: str, name: str, body: bytes) -> str:
    """Store a file beside an artifact; return its URI."""
    bucket, key = location(artifact, name)
    Bucket(bucket).put(key, body, CONTENT_TYPES[name.rsplit(".", 1)[-1]])
    return f"s3://{bucket}/{key}"


def get(bucket: str, job: str, name: str) -> bytes | None:
    """Return a file of a run; None if it does not exist."""
    return Bucket(bucket).get(f"{PREFIX}{job}/{name}")


def get_json(bucket: str, job: str, name: str) -> dict[str, Any] | None:
    """Return a JSON file of a run; None if it does not exist."""
    body = get(bucket, job, name)
    return None if body is None else json.loads(body)


def find(bucket: str, job: str) -> dict[str, Any]:
    """Return the run record of a job.

    Raises:
        UserError: it does not exist.
    """
    run = get_json(bucket, job, "run.json")
    if run is None:
        raise UserError(f"There is no run {job} in s3://{bucket}/{PREFIX}; `python -m ml.train --list` shows all.", 2)
    return run


def dataset_of(bucket: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dataset.json of a model's data set.

    Args:
        entry: the model's entry in cdk.context.json.

    Raises:
        UserError: the bucket does not have it. A promoted model's data set stays in the stage that it came from.
    """
    try:
        return upload.read_version(bucket, entry["dataset"])
    except UserError as error:
        if "promoted_from" not in entry:
            raise
        source = entry["promoted_from"]["source_stage"]
        raise UserError(
            f"s3://{bucket}/datasets/ does not have {entry['dataset']}, the data set of {entry['training_job']}. The "
            f"model was promoted from stage {source}, and its data set stays there. Run the command with --stage "
            f"{source}, then promote the model again with `python -m ml.promote --from {source} --to STAGE`."
        ) from error


def every(bucket: str) -> list[dict[str, Any]]:
    """Return all run records, the newest first."""
    objects = Bucket(bucket)
    records = [key for key in objects.sizes(PREFIX) if key.endswith("/run.json")]
    runs: list[dict[str, Any]] = objects.map(json.loads, records)
    return sorted(runs, key=lambda run: str(run["ended"]), reverse=True)


def previous(bucket: str, dataset: str, job: str) -> Previous | None:
    """Return the newest run on the same data set that ended before this one and was evaluated."""
    ended = find(bucket, job)["ended"]
    for run in every(bucket):
        if run["dataset"] != dataset or run["ended"] >= ended:
            continue
        table = get(bucket, run["training_job"], "predictions.csv")
        if table is not None:
            rows = csv.DictReader(io.StringIO(table.decode()))
            correct = {row["file"]: row["called"] == row["label"] for row in rows if row["file"].startswith("test/")}
            return Previous(run["training_job"], correct)
    return None


def store(description: dict[str, Any], log: JobLog, table: dict[str, Any]) -> dict[str, Any] | None:
    """Store the record of an ended job beside its artifact and return it; None for a job that left no artifact."""
    artifact = description["ModelArtifacts"]["S3ModelArtifacts"]
    bucket, key = split_uri(artifact)
    if not Bucket(bucket).exists(key):
        return None
    run = record(description, log, table)
    put(artifact, "run.json", json.dumps(run, indent=1).encode())
    return run


def record(description: dict[str, Any], log: JobLog, table: dict[str, Any]) -> dict[str, Any]:
    """Return the record of an ended job.

    `image` and `environment` serve the model. `status` is SageMaker's: Completed, Stopped, MaxRuntimeExceeded or
    MaxWaitTimeExceeded. `cost` is the billable seconds at the on-demand price in `table`, or None. Spot's discount is
    in the seconds (DescribeTrainingJob, BillableTimeInSeconds).
    """
    channel = description["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    bucket, key = split_uri(channel)
    name = "/".join(key.split("/")[1:3])
    dataset = upload.read_version(bucket, name)
    instance_type = description["ResourceConfig"]["InstanceType"]
    sent = description["HyperParameters"]
    algorithm = script_mode.algorithm_of(sent)
    hourly, billed = table["training_hour"].get(instance_type), description.get("BillableTimeInSeconds")
    return {
        "training_job": description["TrainingJobName"],
        "status": description["SecondaryStatus"],
        "artifact": description["ModelArtifacts"]["S3ModelArtifacts"],
        "dataset": name,
        "classes": dataset["classes"],
        "resize_mode": dataset["settings"]["resize_mode"],
        "algorithm": algorithm,
        "hyperparameters": script_mode.decoded(sent),
        "training_image": description["AlgorithmSpecification"]["TrainingImage"],
        **image_uris.inference_container(algorithm, clients.region()),
        "instance_type": instance_type,
        "epochs": [vars(log.epochs[number]) for number in sorted(log.epochs)],
        "validation_accuracy": log.stored,
        "training_seconds": description.get("TrainingTimeInSeconds"),
        "billable_seconds": billed,
        "cost": None if hourly is None or billed is None else prices.cost(billed, hourly),
        "currency": table["currency"],
        "code": code_version(),
        "ended": description["TrainingEndTime"].astimezone(dt.UTC).isoformat(timespec="seconds"),
    }


def summary(run: Mapping[str, Any]) -> str:
    """Return the accuracy of the stored model and the price of a run in a sentence."""
    accuracy = run["validation_accuracy"]
    done = sum(epoch["validation_accuracy"] is not None for epoch in run["epochs"])
    billed, trained = run["billable_seconds"], run["training_seconds"]
    parts = [
        f"validation accuracy {'unknown' if accuracy is None else f'{accuracy:.4f}'} after {done} of "
        f"{run['hyperparameters']['epochs']} epochs"
    ]
    if billed is not None:
        saved = f" of {trained} (spot saved {1 - billed / trained:.0%})" if trained and trained > billed else ""
        parts.append(f"{billed} s billed{saved}")
    if run["cost"] is not None:
        parts.append(f"about {run['cost']:.2f} {run['currency']} paid")
    return ", ".join(parts)


def model_entry(run: Mapping[str, Any], metrics: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the entry of cdk.context.json for a run, with its metrics once it was evaluated, its graph once exported.

    `gate` is "passed", "forced", or the reason why the model must not be deployed.
    """
    entry = {
        "artifact": run["artifact"],
        "training_job": run["training_job"],
        "algorithm": run["algorithm"],
        "image": run["image"],
        "environment": run["environment"],
        "classes": run["classes"],
        "image_shape": [3, 224, 224],
        "dataset": run["dataset"],
        "resize_mode": run["resize_mode"],
        "created": run["ended"],
    }
    if "graph" in run:
        entry["graph"] = {name: run["graph"][name] for name in ("uri", "sha256")}
    if "promoted_from" in run:
        entry["promoted_from"] = run["promoted_from"]
    if metrics is None:
        return entry | {
            "threshold": 0.5,
            "threshold_source": "default, before any evaluation",
            "calibration": {"slope": 1.0, "intercept": 0.0},
            "gate": "it was not evaluated yet; run `python -m ml.transform`",
        }
    gate = metrics["gate"]
    verdict = "passed" if gate["passed"] else "forced" if metrics["forced"] else gate["sentence"]
    return entry | {
        "threshold": metrics["threshold"],
        "threshold_source": f"{metrics['threshold_source']} of {metrics['dataset']}",
        "calibration": {name: metrics["calibration"][name] for name in ("slope", "intercept")},
        "gate": verdict,
        "metrics": metrics["splits"]["test"],
        "report": metrics["report"],
    }


def code_version() -> str:
    """Return git's description of this code, "-dirty" with uncommitted changes; "unknown" outside a repository."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        completed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return completed.stdout.strip()
