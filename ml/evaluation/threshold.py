"""The decision threshold, chosen on validation."""

import math

import numpy as np

from ml.evaluation.statistics import Labels, Scores


def threshold_for_sensitivity(labels: Labels, scores: Scores, target: float) -> float:
    """Return the highest score at which at least `target` of the positives are called positive (score >= threshold).

    Raises:
        ValueError: there is no positive, or the target is not in (0, 1].
    """
    positive = np.sort(scores[labels == 1])[::-1]
    if not len(positive) or not 0 < target <= 1:
        raise ValueError(
            f"A threshold for sensitivity {target} needs positives (got {len(positive)}) and 0 < target <= 1."
        )
    needed = math.ceil(round(target * len(positive), 9))
    return float(positive[needed - 1])
