"""The images of a split with their scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.statistics import Labels, Scores


@dataclass(frozen=True)
class ScoredSplit:
    """Labels (0 or 1) and probabilities of pneumonia of n images, each of shape (n,), with their patients and subtypes.

    Attributes:
        patients: the key of each image's patient; None if unknown.
        files: names as in dataset.json, such as test/NORMAL/im-0001-0001.jpg.
        subtypes: bacteria, virus, im, normal2 or "".
    """

    labels: Labels
    scores: Scores
    patients: list[str | None]
    files: list[str]
    subtypes: list[str]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def unknown_patients(self) -> int:
        """The number of images of unknown patients."""
        return self.patients.count(None)

    def with_scores(self, scores: Scores) -> "ScoredSplit":
        """Return the same images with other scores."""
        return replace(self, scores=scores)

    def where(self, chosen: NDArray[np.bool_]) -> "ScoredSplit":
        """Return the chosen images."""
        indices = np.flatnonzero(chosen)
        return ScoredSplit(
            self.labels[indices],
            self.scores[indices],
            [self.patients[index] for index in indices],
            [self.files[index] for index in indices],
            [self.subtypes[index] for index in indices],
        )


def scored(images: Sequence[Mapping[str, Any]], probabilities: Mapping[str, float]) -> ScoredSplit:
    """Join the images of a split, as listed in dataset.json, with their probabilities by file."""
    with_score = [image for image in images if image["file"] in probabilities]
    return ScoredSplit(
        np.array([image["label"] for image in with_score], dtype=np.int64),
        np.array([probabilities[image["file"]] for image in with_score]),
        [image["patient"] for image in with_score],
        [str(image["file"]) for image in with_score],
        [str(image["subtype"]) for image in with_score],
    )


def logits(scores: Scores) -> Scores:
    """Return log(p / (1 - p)) of probabilities, clipped to stay 1e-7 away from 0 and 1."""
    clipped = np.clip(scores, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(clipped / (1 - clipped)))


def logistic(values: Scores) -> Scores:
    """Return 1 / (1 + exp(-x))."""
    return np.asarray(0.5 * (1 + np.tanh(values / 2)))
