"""The films of one split with their scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation.statistics import Labels, Scores


@dataclass(frozen=True)
class Scored:
    """Labels (0 or 1) and probabilities of pneumonia of n films, each shape (n,), with the patient and kind of each.

    Attributes:
        patients: the key of each image's patient; None where it is unknown.
        files: as dataset.json names them, such as test/NORMAL/im-0001-0001.jpg; empty where there are none.
        kinds: what the source tells beyond the class: bacteria, virus, im, normal2 or "".
    """

    labels: Labels
    scores: Scores
    patients: list[str | None]
    files: list[str]
    kinds: list[str]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def unknown_patients(self) -> int:
        """How many images have an unknown patient."""
        return self.patients.count(None)

    def with_scores(self, scores: Scores) -> "Scored":
        """Return the same films with other scores."""
        return replace(self, scores=scores)

    def where(self, chosen: NDArray[np.bool_]) -> "Scored":
        """Return some of the films."""
        places = np.flatnonzero(chosen)
        return Scored(
            self.labels[places],
            self.scores[places],
            [self.patients[place] for place in places],
            [self.files[place] for place in places],
            [self.kinds[place] for place in places],
        )


def scored(films: Sequence[Mapping[str, Any]], probabilities: Mapping[str, float]) -> Scored:
    """Join the films of a split, as dataset.json lists them, with their probabilities by file."""
    kept = [film for film in films if film["file"] in probabilities]
    return Scored(
        np.array([film["label"] for film in kept], dtype=np.int64),
        np.array([probabilities[film["file"]] for film in kept]),
        [film["patient"] for film in kept],
        [str(film["file"]) for film in kept],
        [str(film["kind"]) for film in kept],
    )


def logits(scores: Scores) -> Scores:
    """Return log(p / (1 - p)) of probabilities, which are first kept 1e-7 away from 0 and 1."""
    kept = np.clip(scores, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(kept / (1 - kept)))


def logistic(values: Scores) -> Scores:
    """Return 1 / (1 + exp(-x))."""
    return np.asarray(0.5 * (1 + np.tanh(values / 2)))
