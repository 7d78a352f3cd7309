"""The release gate: minimums for the lower 95 % bounds of the test metrics."""

import math
from collections.abc import Mapping
from typing import Any

from ml.evaluation.statistics import IntervalEstimate

MINIMUMS = {"AUROC": 0.90, "Sensitivity": 0.85, "Specificity": 0.75}
"""Defaults, below which a model is not worth a closer look."""


def judge(test: Mapping[str, IntervalEstimate], minimums: Mapping[str, float]) -> dict[str, Any]:
    """Return whether the gate is passed, each rule with its lower bound, and the missed rules in words.

    An undefined lower bound, null in the result, passes no rule.
    """
    rules = [
        {
            "metric": name,
            "minimum": minimum,
            "low": None if math.isnan(test[name].low) else test[name].low,
            "passed": test[name].low >= minimum,
        }
        for name, minimum in minimums.items()
    ]
    missed = "; ".join(sentence(rule) for rule in rules if not rule["passed"])
    return {"passed": not missed, "rules": rules, "sentence": missed}


def sentence(rule: Mapping[str, Any]) -> str:
    """Return a missed rule in words, without a full stop."""
    low = "undefined" if rule["low"] is None else format(rule["low"], ".3f")
    return f"the lower 95 % bound of {rule['metric']} is {low}, below the minimum of {rule['minimum']:g}"
