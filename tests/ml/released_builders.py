"""An evaluated model in the account's bucket, whose graph answers as it does, and its release."""

import csv
import functools
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import boto3
import numpy as np
from PIL import Image

from ml import project, transform
from ml.algorithms import PYTORCH
from ml.model_registry import registration
from tests.lambda_ import graphs

from .scoring_builders import phantom

BUCKET, JOB, DATASET, IMAGES = "images", "pneumonia-export", "phantoms/0123", 6
ARTIFACT = f"s3://{BUCKET}/training/{JOB}/output/model.tar.gz"
RUN = {
    "training_job": JOB, "artifact": ARTIFACT, "classes": ["NORMAL", "PNEUMONIA"], "dataset": DATASET,
    "resize_mode": "squash", "ended": "2026-11-24T03:15:00+00:00", "algorithm": PYTORCH,
    "image": "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6.0-cpu-py312",
    "environment": {"SAGEMAKER_REGION": "us-east-1"},
}  # fmt: skip


@functools.cache
def s3_at(url: str) -> Any:
    return boto3.client("s3", endpoint_url=url)


def s3() -> Any:
    """Return a client of the account's root, created once."""
    return s3_at(os.environ["AWS_ENDPOINT_URL"])


def put(key: str, body: bytes, bucket: str = BUCKET) -> None:
    s3().put_object(Bucket=bucket, Key=key, Body=body)


def read(key: str, bucket: str = BUCKET) -> bytes:
    return bytes(s3().get_object(Bucket=bucket, Key=key)["Body"].read())


def file_of(number: int) -> str:
    return f"validation/NORMAL/{number}.jpg"


def score(number: int) -> float:
    """Return the probability of pneumonia that the network gives to an image."""
    import torch

    with Image.open(io.BytesIO(phantom(number))) as image:
        pixels = torch.from_numpy(np.array(image.convert("L"))).float()[None, None]
    with torch.no_grad():
        return float(torch.softmax(graphs.tiny()(pixels), 1)[0, 1])


def archive(**content: bytes) -> bytes:
    """Return a model.tar.gz of files, whose names have "_" for "."."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for name, body in content.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(body)
            packed.addfile(member, io.BytesIO(body))
    return buffer.getvalue()


def weights(folder: Path) -> bytes:
    from network import weights_file
    from network.hyperparameters import ScriptHyperparameters

    weights_file.save(graphs.tiny(), ScriptHyperparameters(num_classes=2, use_pretrained_model=0), folder)
    return (folder / weights_file.NAME).read_bytes()


def put_evaluated_model(stage: str) -> dict[str, Any]:
    """Store the run record, predictions and images of an evaluated model, without its artifact; return the record."""
    rows = io.StringIO()
    writer = csv.DictWriter(rows, ["file", "model_probability"])
    writer.writeheader()
    for number in range(IMAGES):
        put(f"datasets/{DATASET}/{file_of(number)}", phantom(number))
        writer.writerow({"file": file_of(number), "model_probability": repr(score(number))})
    writer.writerow({"file": "test/NORMAL/9.jpg", "model_probability": "0.5"})
    name, _, version = DATASET.partition("/")
    put(f"datasets/{DATASET}/dataset.json", json.dumps({"name": name, "version": version}).encode())
    put(f"training/{JOB}/predictions.csv", rows.getvalue().encode())
    put(f"training/{JOB}/run.json", json.dumps(RUN).encode())
    project.write_model(stage, RUN)
    return RUN


def metrics_of(**changes: Any) -> dict[str, Any]:
    """Return the metrics.json of the model, which passed the gate unless `changes` say otherwise."""
    test = {
        name: {"value": value, "low": value - 0.02, "high": value + 0.01, "n": 400}
        for name, value in {"AUROC": 0.98, "Sensitivity": 0.95, "Specificity": 0.91, "PPV": 0.93}.items()
    }
    return {
        "training_job": JOB, "dataset": DATASET, "artifact": ARTIFACT,
        "report": f"s3://{BUCKET}/training/{JOB}/report.html", "threshold": 0.4,
        "threshold_source": "sensitivity of at least 0.95", "calibration": {"slope": 1.2, "intercept": 0.1},
        "gate": {"passed": True, "rules": [], "sentence": ""}, "forced": False, "splits": {"test": test},
    } | changes  # fmt: skip


def put_evaluation(**changes: Any) -> dict[str, Any]:
    """Store and return metrics.json."""
    metrics = metrics_of(**changes)
    put(f"training/{JOB}/metrics.json", json.dumps(metrics).encode())
    return metrics


def release(stage: str, packed: bytes, **changes: Any) -> None:
    """Release a model with this artifact as `ml.transform` does once it has evaluated the model."""
    put(f"training/{JOB}/output/model.tar.gz", packed)
    put(f"training/{JOB}/report.html", b"<p>Report</p>")
    put(f"training/{JOB}/drift-reference.csv", b"patient")
    transform.release(stage, BUCKET, put_evaluation(**changes))


def register_model(stage: str) -> None:
    """Register a model whose artifact and graph are any bytes."""
    graph = {"uri": f"s3://{BUCKET}/training/{JOB}/graph-0/model.onnx", "sha256": hashlib.sha256(b"graph").hexdigest()}
    run = RUN | {"graph": graph}
    for name, body in {
        "output/model.tar.gz": b"artifact", "graph-0/model.onnx": b"graph", "report.html": b"<p>Report</p>",
        "predictions.csv": b"file", "drift-reference.csv": b"patient", "run.json": json.dumps(run).encode(),
    }.items():  # fmt: skip
        put(f"training/{JOB}/{name}", body)
    registration.register(stage, run, put_evaluation())
