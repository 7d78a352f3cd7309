"""Record what SageMaker Python SDK v2's `PyTorch` and `PyTorchModel` send: tests/ml/pytorch_requests.json.

    uv pip install 'sagemaker<3' && python benchmarks/clients/pytorch_requests.py

The clients of the session are stubs that keep each request. Nothing is sent.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import tempfile
from pathlib import Path
from unittest.mock import MagicMock, patch

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "tests" / "ml" / "pytorch_requests.json"
os.environ["SAGEMAKER_USER_CONFIG_OVERRIDE"] = str(ROOT / "localaws" / "sagemaker_sdk.json")  # no telemetry

import boto3  # noqa: E402
import sagemaker  # noqa: E402
from sagemaker.inputs import TrainingInput  # noqa: E402
from sagemaker.pytorch import PyTorch, PyTorchModel  # noqa: E402

ROLE = "arn:aws:iam::123456789012:role/execution"
VERSION = {"framework_version": "2.6.0", "py_version": "py312"}


def main() -> None:
    """Write the requests as JSON."""
    client = MagicMock()
    boto = boto3.Session("key", "secret", region_name="us-east-1")
    session = sagemaker.Session(boto, client, default_bucket="images")
    session.s3_resource = session.s3_client = MagicMock()
    session._get_account_id_if_default_bucket = lambda bucket: None
    with tempfile.TemporaryDirectory() as source:
        for name in ("train.py", "inference.py"):
            (Path(source) / name).touch()
        train(session, source)
        model = PyTorchModel(
            "s3://images/training/job/output/model.tar.gz",
            ROLE,
            "inference.py",
            name="model",
            source_dir=source,
            sagemaker_session=session,
            **VERSION,
        )
        with patch("sagemaker.model.utils.repack_model"):
            model.create(instance_type="ml.m5.4xlarge")
    record = {
        "sdk": f"sagemaker {importlib.metadata.version('sagemaker')}",
        "CreateTrainingJob": client.create_training_job.call_args.kwargs,
        "CreateModel": client.create_model.call_args.kwargs,
    }
    TARGET.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def train(session: sagemaker.Session, source: str) -> None:
    """Create a training job with the values of tests/ml/training_builders.py."""
    estimator = PyTorch(
        "train.py",
        source_dir=source,
        role=ROLE,
        instance_count=1,
        instance_type="ml.m5.4xlarge",
        volume_size=50,
        max_run=14400,
        max_wait=28800,
        use_spot_instances=True,
        checkpoint_s3_uri="s3://images/checkpoints/job",
        output_path="s3://images/training",
        metric_definitions=[
            {"Name": "train:accuracy", "Regex": "Train-accuracy=([0-9.]+)"},
            {"Name": "validation:accuracy", "Regex": "Validation-accuracy=([0-9.]+)"},
        ],
        hyperparameters={"epochs": 2, "learning_rate": 0.001, "optimizer": "adam", "image_shape": "3,224,224"},
        tags=[
            {"Key": "project", "Value": "chest-xray-classifier"},
            {"Key": "dataset", "Value": "chest-xray/0123"},
        ],
        sagemaker_session=session,
        **VERSION,
    )
    folder = "s3://images/datasets/chest-xray/0123"
    parts = {"train": "train", "validation": "validation_perturbed"}
    inputs = {
        f"{name}{end}": TrainingInput(f"{folder}/{part}{end}/", content_type="application/x-image")
        for end in ("", "_lst")
        for name, part in parts.items()
    }
    inputs["weights"] = TrainingInput("s3://images/weights/", content_type="application/octet-stream")
    estimator.fit(inputs, job_name="job", wait=False)


if __name__ == "__main__":
    main()
