"""The algorithms that run in place of container images, by the image's repository name."""

import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from localaws.errors import invalid
from localaws.sagemaker.aws.objects import Objects
from localaws.sagemaker.container.training_toolkit import fetch_source
from localaws.sagemaker.store import Document

IMAGE = re.compile(r"^(?:[^/]+/)?(?P<repository>[^:@]+)(?:[:@].+)?$")


@dataclass(frozen=True)
class Metric:
    """A training metric: its name, and the regex whose first group is its value in a log line."""

    name: str
    regex: str


@dataclass(frozen=True)
class Algorithm:
    """A stand-in for a container image.

    Attributes:
        repository: the image's repository name, without registry and tag.
        train: returns the command that trains, given the folder in place of /opt/ml.
        serve: returns the command that serves on 127.0.0.1, given that folder and a port.
        metrics: the metrics that SageMaker reads from the training log; empty if the request defines them.
        content_types: the allowed ContentTypes of a channel, without parameters; None for any.
        gpu_only: whether it trains on GPU instances only.
        has_python: whether the image has a Python interpreter, which a processing job's entrypoint can name.
        fetch: downloads what the container itself reads from S3 with the job's role, before it trains.
    """

    repository: str
    train: Callable[[Path], list[str]]
    serve: Callable[[Path, int], list[str]]
    metrics: tuple[Metric, ...] = ()
    content_types: frozenset[str] | None = None
    gpu_only: bool = False
    has_python: bool = False
    fetch: Callable[[Objects, Path], None] | None = None

    def definitions(self, specification: Document) -> list[dict[str, str]]:
        """Return the metric definitions of a job: the algorithm's own, or those of its AlgorithmSpecification."""
        own = [{"Name": metric.name, "Regex": metric.regex} for metric in self.metrics]
        return own or specification.get("MetricDefinitions", [])


class Registry:
    """The algorithms that localaws can run."""

    def __init__(self, algorithms: Iterable[Algorithm]) -> None:
        self.algorithms = {algorithm.repository: algorithm for algorithm in algorithms}

    def find(self, image: str) -> Algorithm:
        """Return the algorithm of an image URI, from any account's registry and with any tag.

        Raises:
            ServiceError: ValidationException, naming the repositories that run here.
        """
        match = IMAGE.match(image)
        algorithm = self.algorithms.get(match["repository"]) if match else None
        if algorithm is None:
            raise invalid(
                f"The image {image} cannot run in localaws, which has no Docker. "
                f"Image repositories that run here: {', '.join(sorted(self.algorithms))}."
            )
        return algorithm


def image_classification() -> Algorithm:
    """Return the stand-in for SageMaker's built-in Image Classification.

    The regexes match that algorithm's log lines. The content types are those of its documentation, and text/plain for
    list channels.
    """
    module = [sys.executable, "-m", "localaws.image_classification"]
    return Algorithm(
        repository="image-classification",
        train=lambda root: [*module, "train", "--root", str(root)],
        serve=lambda root, port: [*module, "serve", "--root", str(root), "--port", str(port)],
        metrics=(
            Metric("train:accuracy", r"Epoch\[\d+\] Train-accuracy=([0-9.eE+-]+)"),
            Metric("validation:accuracy", r"Epoch\[\d+\] Validation-accuracy=([0-9.eE+-]+)"),
        ),
        content_types=frozenset(
            {
                "application/x-image",
                "application/x-recordio",
                "application/x-sagemaker-model",
                "image/jpeg",
                "image/png",
                "text/plain",
            }
        ),
        gpu_only=True,
    )


def pytorch_training() -> Algorithm:
    """Return SageMaker's PyTorch training container, which runs the script of a job."""
    module = "localaws.sagemaker.container.training_toolkit"
    return Algorithm(
        repository="pytorch-training",
        train=lambda root: [sys.executable, "-m", module, str(root)],
        serve=lambda root, port: missing("pytorch-training", "serve"),
        has_python=True,
        fetch=fetch_source,
    )


def pytorch_inference() -> Algorithm:
    """Return SageMaker's PyTorch inference container, which serves with the code in the artifact."""
    module = "localaws.sagemaker.container.inference_toolkit"
    return Algorithm(
        repository="pytorch-inference",
        train=lambda root: missing("pytorch-inference", "train"),
        serve=lambda root, port: [sys.executable, "-m", module, str(root), str(port)],
    )


def missing(repository: str, command: str) -> list[str]:
    """Return a command that fails as that of an image without it does."""
    return [sys.executable, "-c", f"raise SystemExit('The image {repository} has no command {command}.')"]


def available() -> Registry:
    """Return the images that run here."""
    return Registry([image_classification(), pytorch_training(), pytorch_inference()])
