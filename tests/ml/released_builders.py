"""An evaluated model in the account's bucket, whose graph answers as it does, and its release."""

import csv
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import boto3
import numpy as np
from PIL import Image

from ml import project, transform
from ml.algorithms import PYTORCH
from ml.aws import image_uris
from tests.lambda_ import graphs

from .builders import evaluated
from .scoring_builders import phantom

BUCKET, JOB, DATASET, IMAGES = "images", "pneumonia-export", "phantoms/0123", 6
ARTIFACT = f"s3://{BUCKET}/training/{JOB}/output/model.tar.gz"
RUN = {
    "training_job": JOB, "artifact": ARTIFACT, "classes": ["NORMAL", "PNEUMONIA"], "dataset": DATASET,
    "resize_mode": "squash", "ended": "2026-11-24T03:15:00+00:00", "algorithm": PYTORCH,
    **image_uris.inference_container(PYTORCH, "us-east-1"),
}  # fmt: skip
PASSED = {"passed": True, "rules": [], "sentence": ""}


def put(key: str, body: bytes, bucket: str = BUCKET) -> None:
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body)


def read(key: str, bucket: str = BUCKET) -> bytes:
    return bytes(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


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

    weights_file.save(graphs.tiny(), (3, 224, 224), folder)
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
    identity = {
        "training_job": JOB, "dataset": DATASET, "artifact": ARTIFACT, "report": f"s3://{BUCKET}/training/{JOB}/report.html",
        "forced": False, "gate": PASSED,
    }  # fmt: skip
    return evaluated().metrics | identity | changes


def put_evaluation(metrics: dict[str, Any]) -> None:
    """Store metrics.json and report.html."""
    put(f"training/{JOB}/metrics.json", json.dumps(metrics).encode())
    put(f"training/{JOB}/report.html", b"<p>Report</p>")


def release(stage: str, **changes: Any) -> None:
    """Release the model as `ml.transform` does once it has evaluated it."""
    put_evaluated_model(stage)
    put(f"training/{JOB}/output/model.tar.gz", archive(model_onnx=graphs.exported()))
    metrics = metrics_of(**changes)
    put_evaluation(metrics)
    transform.release(stage, BUCKET, metrics)
