"""Compare two models, or a model and a baseline, on the same images."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ml.evaluation import statistics
from ml.evaluation.auroc import auroc
from ml.evaluation.scored_split import ScoredSplit
from ml.evaluation.statistics import IntervalEstimate, Scores, Times


def auc_difference(
    split: ScoredSplit, other: Mapping[str, float], seed: int = 0
) -> tuple[IntervalEstimate, IntervalEstimate]:
    """Return the AUROC of the other scores, and the split's lead over it, paired, over 2,000 draws of patients.

    Raises:
        KeyError: an image has no other score.
    """
    others = np.array([other[file] for file in split.files])

    def quantities(times: Times) -> Mapping[str, Scores]:
        own, other = (statistics.auc(split.labels, scores, times) for scores in (split.scores, others))
        return {"lead": own - other}

    lead = statistics.bootstrap(split.patients, quantities, seed=seed)["lead"]
    return auroc(split.labels, others, split.patients), lead


def mcnemar(split: ScoredSplit, threshold: float, right_before: Mapping[str, bool]) -> dict[str, Any] | None:
    """Compare the images that two models call right by McNemar's exact test (1947); None without images in common.

    Returns:
        n images, how many only this model and only the other called right, and the two-sided p value.
    """
    # Imported here because it takes a second, and every ml command imports this module.
    from scipy.stats import binomtest  # type: ignore[import-untyped, unused-ignore]

    right = (split.scores >= threshold) == (split.labels == 1)
    pairs = [(now, right_before[file]) for now, file in zip(right, split.files, strict=True) if file in right_before]
    if not pairs:
        return None
    gained = sum(bool(now and not before) for now, before in pairs)
    lost = sum(bool(before and not now) for now, before in pairs)
    p = float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
    return {"n": len(pairs), "only_this": gained, "only_other": lost, "p": p}
