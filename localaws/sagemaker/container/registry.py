"""The algorithms that run in place of container images, by the image's repository name."""

import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from localaws.errors import invalid

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
        metrics: the metrics that SageMaker reads from the training log.
        content_types: the allowed ContentTypes of a channel, without parameters.
        gpu_only: whether it trains on GPU instances only.
    """

    repository: str
    train: Callable[[Path], list[str]]
    serve: Callable[[Path, int], list[str]]
    metrics: tuple[Metric, ...]
    content_types: frozenset[str]
    gpu_only: bool = False


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
