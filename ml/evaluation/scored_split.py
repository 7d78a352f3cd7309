"""The images of one split with their scores."""

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
        patients: the key of each image's patient; None where it is unknown.
        files: as dataset.json names them, such as test/NORMAL/im-0001-0001.jpg; empty where there are none.
        subtypes: what the source tells beyond the class: bacteria, virus, im, normal2 or "".
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
        """How many images have an unknown patient."""
        return self.patients.count(None)

    def with_scores(self, scores: Scores) -> "ScoredSplit":
        """Return the same images with other scores."""
        return replace(self, scores=scores)

    def where(self, chosen: NDArray[np.bool_]) -> "ScoredSplit":
        """Return some of the images."""
        places = np.flatnonzero(chosen)
        return ScoredSplit(
            self.labels[places],
            self.scores[places],
            [self.patients[place] for place in places],
            [self.files[place] for place in places],
            [self.subtypes[place] for place in places],
        )


def scored(images: Sequence[Mapping[str, Any]], probabilities: Mapping[str, float]) -> ScoredSplit:
    """Join the images of a split, as dataset.json lists them, with their probabilities by file."""
    kept = [image for image in images if image["file"] in probabilities]
    return ScoredSplit(
        np.array([image["label"] for image in kept], dtype=np.int64),
        np.array([probabilities[image["file"]] for image in kept]),
        [image["patient"] for image in kept],
        [str(image["file"]) for image in kept],
        [str(image["subtype"]) for image in kept],
    )


def logits(scores: Scores) -> Scores:
    """Return log(p / (1 - p)) of probabilities, which are first kept 1e-7 away from 0 and 1."""
    kept = np.clip(scores, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(kept / (1 - kept)))


def logistic(values: Scores) -> Scores:
    """Return 1 / (1 + exp(-x))."""
    return np.asarray(0.5 * (1 + np.tanh(values / 2)))
