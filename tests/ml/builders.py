"""Simulated scores and their evaluation, and images with an encoding, for the tests of evaluation and reports."""

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np

from ml.dataset.radiographs import Encoding, Radiograph
from ml.evaluation.evaluate import SPLITS, EvaluationOptions, EvaluationResult, Previous, evaluate
from ml.evaluation.scored_split import ScoredSplit, logistic


def labels_and_scores(seed: int, n: int = 200, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return 60 % positives, whose scores are 1.2 standard deviations higher."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.6).astype(np.int64)
    scores = rng.normal(labels * 1.2, 1.0)
    return labels, np.round(scores, 1) if ties else scores


def split(seed: int, name: str = "test", images: int = 160, shift: float = 2.0, spread: float = 1.0) -> ScoredSplit:
    """Return images whose logits lie `shift` apart by class, two images of each patient."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(images) < 0.6).astype(np.int64)
    scores = logistic(spread * (rng.normal(size=images) + shift * (labels - 0.5)))
    subtypes = [("bacteria" if number % 2 else "virus") if label else "im" for number, label in enumerate(labels)]
    files = [f"{name}/{label}/{number}.jpg" for number, label in enumerate(labels)]
    return ScoredSplit(labels, scores, [f"p{number // 2}" for number in range(images)], files, subtypes)


def splits(**changes: ScoredSplit) -> dict[str, ScoredSplit]:
    """Return the three splits, some of them changed."""
    return {name: split(number, name) for number, name in enumerate(SPLITS)} | changes


def without_patients(images: ScoredSplit, known: int = 0) -> ScoredSplit:
    """Return the same images; only the first `known` have a patient."""
    return replace(images, patients=[*images.patients[:known], *[None] * (len(images) - known)])


def computed(
    options: EvaluationOptions | None = None, previous: Previous | None = None, **changes: ScoredSplit
) -> EvaluationResult:
    """Evaluate the three splits against a baseline of random scores."""
    raw = splits(**changes)
    rng = np.random.default_rng(9)
    baseline = {file: float(rng.random()) for file in raw["test"].files}
    return evaluate(raw, baseline, previous, options or EvaluationOptions(), "chest-xray-pneumonia")


@functools.cache
def evaluated() -> EvaluationResult:
    """Return the evaluation that tests share."""
    return computed()


@functools.cache
def evaluated_on_another_test_split() -> EvaluationResult:
    """Return an evaluation after an earlier one, with swapped test labels, no subtypes and ten unknown patients."""
    test = split(2, "test")
    test = replace(test, labels=1 - test.labels, subtypes=[""] * len(test))
    previous = Previous("job-before", dict.fromkeys(test.files, True))
    return computed(previous=previous, test=without_patients(test, 150))


def encoded_images(shortcut: bool) -> list[Radiograph]:
    """Return 200 images whose quantisation table follows the label, or does not."""
    images = []
    for index in range(200):
        label = index % 2
        table = (330, 1858)[label] if shortcut else (330, 1858)[index // 2 % 2]
        encoding = Encoding(50_000 + 37 * (index // 2), 900 + index // 2, 700, "L", table)
        name, patient = f"{index}.jpg", f"p{index}"
        images.append(Radiograph(Path("a"), label, "train", name, "", patient, str(index), 9000, encoding))
    return images
