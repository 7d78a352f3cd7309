"""Predictive values where the fraction of pneumonia is another than the test set's."""

import math

from ml.evaluation.statistics import Confusion, Estimate


def predictive_values(counts: Confusion, prevalence: float) -> tuple[Estimate, Estimate]:
    """Return positive and negative predictive value where `prevalence`, in (0, 1), of the images show pneumonia.

    By Bayes' theorem from sensitivity and specificity. The interval is that of their likelihood ratio, by MOVER-R from
    their Wilson intervals (Newcombe, Statistical Methods in Medical Research 2016): resampling would give an interval
    of no width where no image was called wrong. NaN when a class is missing.
    """
    sensitivity, specificity = counts.sensitivity(), counts.specificity()
    positive = posterior(prevalence, sensitivity, complement(specificity), counts.n)
    negative = posterior(1 - prevalence, specificity, complement(sensitivity), counts.n)
    return positive, negative


def complement(one: Estimate) -> Estimate:
    """Return 1 minus a proportion."""
    return Estimate(1 - one.value, 1 - one.high, 1 - one.low, one.n)


def posterior(prior: float, right: Estimate, wrong: Estimate, n: int) -> Estimate:
    """Return the probability of a class after a call that `right` of it and `wrong` of the other class get."""
    if not right.n or not wrong.n:
        return Estimate(math.nan, math.nan, math.nan, n)
    low, high = ratio_interval(right, wrong)
    called = prior * right.value + (1 - prior) * wrong.value
    return Estimate(
        prior * right.value / called if called else math.nan,
        prior * low / (prior * low + 1 - prior),
        1.0 if math.isinf(high) else prior * high / (prior * high + 1 - prior),
        n,
    )


def ratio_interval(top: Estimate, bottom: Estimate) -> tuple[float, float]:
    """Return the 95 % interval of a ratio of two independent proportions by MOVER-R; its upper end may be infinite."""
    product = top.value * bottom.value
    top_low, top_high = (end * (2 * top.value - end) for end in (top.low, top.high))
    bottom_low, bottom_high = (end * (2 * bottom.value - end) for end in (bottom.low, bottom.high))
    divisor = product + math.sqrt(max(0.0, product**2 - top_low * bottom_high))
    dividend = product + math.sqrt(max(0.0, product**2 - top_high * bottom_low))
    return top_low / divisor if divisor else 0.0, dividend / bottom_low if bottom_low else math.inf
