"""Two models, or a model and a baseline, on the same images."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import statistics
from ml.evaluation.auroc import auroc
from ml.evaluation.scored_split import ScoredSplit
from ml.evaluation.statistics import Estimate


def auc_difference(split: ScoredSplit, other: Mapping[str, float], seed: int = 0) -> tuple[Estimate, Estimate]:
    """Return the other scores' AUROC, and by how much the split's exceeds it, paired, over 2,000 draws of patients.

    Raises:
        KeyError: an image has no other score.
    """
    others = np.array([other[file] for file in split.files])

    def quantities(chosen: NDArray[np.intp]) -> Mapping[str, float]:
        labels = split.labels[chosen]
        lead = statistics.auc(labels, split.scores[chosen]) - statistics.auc(labels, others[chosen])
        return {"lead": lead}

    lead = statistics.bootstrap(split.patients, quantities, seed=seed)["lead"]
    return auroc(split.labels, others, split.patients), lead


def mcnemar(split: ScoredSplit, threshold: float, right_before: Mapping[str, bool]) -> dict[str, Any] | None:
    """Compare which images two models call right, by McNemar's exact test (1947); None without images in common.

    Returns:
        n images, how many only this model and only the other called right, and the two-sided p value.
    """
    now = (split.scores >= threshold) == (split.labels == 1)
    pairs = [
        (bool(one), right_before[file]) for one, file in zip(now, split.files, strict=True) if file in right_before
    ]
    if not pairs:
        return None
    gained = sum(one and not other for one, other in pairs)
    lost = sum(other and not one for one, other in pairs)
    return {"n": len(pairs), "only_this": gained, "only_other": lost, "p": sign_test(gained, lost)}


def sign_test(one: int, other: int) -> float:
    """Return the two-sided p of the binomial test that both are equally likely; 1 when both are 0."""
    n, few = one + other, min(one, other)
    tail = float(sum(math.comb(n, k) for k in range(few + 1)) / 2**n)
    return min(1.0, 2.0 * tail)
