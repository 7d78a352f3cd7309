"""Predictive values at a prevalence that differs from the test set's."""

import math

from ml.evaluation.statistics import Confusion, IntervalEstimate


def predictive_values(counts: Confusion, prevalence: float) -> tuple[IntervalEstimate, IntervalEstimate]:
    """Return the positive and the negative predictive value at a prevalence of pneumonia in (0, 1).

    The values follow from sensitivity and specificity by Bayes' theorem. The interval is that of the likelihood ratio,
    by MOVER-R from the Wilson intervals (Newcombe, Statistical Methods in Medical Research 2016). Resampling would
    give an interval without width where no image is called wrong. NaN when a class is missing.
    """
    sensitivity, specificity = counts.sensitivity(), counts.specificity()
    positive = posterior(prevalence, sensitivity, complement(specificity), counts.n)
    negative = posterior(1 - prevalence, specificity, complement(sensitivity), counts.n)
    return positive, negative


def complement(estimate: IntervalEstimate) -> IntervalEstimate:
    """Return 1 minus a proportion."""
    return IntervalEstimate(1 - estimate.value, 1 - estimate.high, 1 - estimate.low, estimate.n)


def posterior(prior: float, right: IntervalEstimate, wrong: IntervalEstimate, n: int) -> IntervalEstimate:
    """Return the probability of a class, given the call for it.

    Args:
        right: fraction of this class that gets the call.
        wrong: fraction of the other class that gets the call.
    """
    if not right.n or not wrong.n:
        return IntervalEstimate(math.nan, math.nan, math.nan, n)
    low, high = ratio_interval(right, wrong)
    called = prior * right.value + (1 - prior) * wrong.value
    return IntervalEstimate(
        prior * right.value / called if called else math.nan,
        prior * low / (prior * low + 1 - prior),
        1.0 if math.isinf(high) else prior * high / (prior * high + 1 - prior),
        n,
    )


def ratio_interval(top: IntervalEstimate, bottom: IntervalEstimate) -> tuple[float, float]:
    """Return the 95 % interval of a ratio of two independent proportions by MOVER-R; its upper end may be infinite."""
    product = top.value * bottom.value
    top_low, top_high = (end * (2 * top.value - end) for end in (top.low, top.high))
    bottom_low, bottom_high = (end * (2 * bottom.value - end) for end in (bottom.low, bottom.high))
    divisor = product + math.sqrt(max(0.0, product**2 - top_low * bottom_high))
    dividend = product + math.sqrt(max(0.0, product**2 - top_high * bottom_low))
    return top_low / divisor if divisor else 0.0, dividend / bottom_low if bottom_low else math.inf
