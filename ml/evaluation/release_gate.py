"""Whether a model may be deployed: minimums for the lower ends of the test metrics' intervals."""

import math
from collections.abc import Mapping
from typing import Any

from ml.evaluation.statistics import Estimate

MINIMUMS = {"AUROC": 0.90, "Sensitivity": 0.85, "Specificity": 0.75}
"""Defaults: what a model should at least show before anybody looks at its answers."""


def judge(found: Mapping[str, Estimate], minimums: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return each rule with the lower end that was found and whether it suffices. A lower end of NaN does not."""
    return [
        {"metric": name, "minimum": minimum, "low": shown(found[name].low), "passed": found[name].low >= minimum}
        for name, minimum in minimums.items()
    ]


def shown(value: float) -> float | None:
    """Return a number as JSON has it."""
    return None if math.isnan(value) else value


def sentence(rules: list[dict[str, Any]]) -> str:
    """Return the rules that were missed, in words; empty when none was."""
    return "; ".join(
        f"{rule['metric']} may be as low as {'nothing known' if rule['low'] is None else format(rule['low'], '.3f')}, "
        f"the minimum is {rule['minimum']:g}"
        for rule in rules
        if not rule["passed"]
    )
