"""The model's output, checked, calibrated and labelled."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from inference_proxy.problems import ProblemError
from inference_proxy.settings import POSITIVE, ProxySettings

if TYPE_CHECKING:
    from api_types import Prediction

DISCLAIMER: Final = (
    "Not a medical device. For research and education only; a radiologist must read the image before any decision."
)
# The sum of a softmax in 32-bit floats, printed as text, is off by far less.
_SUM_TOLERANCE: Final = 1e-3
_EDGE: Final = 1e-7
# Both probabilities have their own digits, so log-odds stay exact far beyond the calibration's 1e-7.
_SMALLEST: Final = 1e-12


def probabilities(output: bytes, classes: tuple[str, ...]) -> dict[str, float]:
    """Return the probability of each class, in [0, 1] with a sum of 1, from the model's output.

    The built-in Image Classification returns a bare JSON array for Accept application/json and
    `{"prediction": [...]}` for application/jsonlines; both are accepted.
    Raise ProblemError model_output_invalid for anything else.
    """
    try:
        document = json.loads(output)
    except (ValueError, RecursionError):
        raise _invalid("not JSON") from None
    return checked(document.get("prediction") if isinstance(document, dict) else document, classes)


def checked(values: object, classes: tuple[str, ...]) -> dict[str, float]:
    """Return the probability of each class, in [0, 1] with a sum of 1. Raise ProblemError model_output_invalid."""
    if not isinstance(values, list):
        raise _invalid("not a list of probabilities")
    if len(values) != len(classes):
        raise _invalid(f"{len(values)} values for {len(classes)} classes")
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise _invalid("a value that is not a number")
    # NaN fails this comparison too.
    if not all(0 <= value <= 1 for value in values) or abs(math.fsum(values) - 1) > _SUM_TOLERANCE:
        raise _invalid("values that are not probabilities")
    return dict(zip(classes, map(float, values), strict=True))


def prediction(scores: Mapping[str, float], settings: ProxySettings, request_id: str) -> Prediction:
    """Return the body of a prediction from calibrated scores.

    `probability` is that of PNEUMONIA. The label is PNEUMONIA at or above the threshold.
    """
    probability = scores[POSITIVE]
    others = (name for name in settings.classes if name != POSITIVE)
    return {
        "label": POSITIVE if probability >= settings.threshold else max(others, key=lambda name: scores[name]),
        "probability": probability,
        "probabilities": dict(scores),
        "threshold": settings.threshold,
        "threshold_source": settings.threshold_source,
        "model_version": settings.model_version,
        "request_id": request_id,
        "disclaimer": DISCLAIMER,
    }


def calibrated(scores: Mapping[str, float], slope: float, intercept: float) -> dict[str, float]:
    """Return the probabilities after slope x logit + intercept for PNEUMONIA; the others keep their ratios.

    The same as `ml.evaluation.calibration`: probabilities are kept 1e-7 away from 0 and 1, and (1, 0) changes nothing.
    """
    if (slope, intercept) == (1.0, 0.0):
        return dict(scores)
    before = min(max(scores[POSITIVE], _EDGE), 1 - _EDGE)
    after = 0.5 * (1 + math.tanh((slope * math.log(before / (1 - before)) + intercept) / 2))
    others = {name: value for name, value in scores.items() if name != POSITIVE}
    rest = math.fsum(others.values())
    fractions = {name: value / rest if rest else 1 / len(others) for name, value in others.items()}
    return {name: after if name == POSITIVE else (1 - after) * fractions[name] for name in scores}


def log_odds(scores: Mapping[str, float], slope: float, intercept: float) -> float:
    """Return the calibrated log-odds of PNEUMONIA from the model's own scores: slope x log(p / rest) + intercept.

    `rest` is the sum of the other probabilities: it keeps its digits where p rounds to 1. Both are at least 1e-12.
    """
    rest = math.fsum(value for name, value in scores.items() if name != POSITIVE)
    return slope * (math.log(max(scores[POSITIVE], _SMALLEST)) - math.log(max(rest, _SMALLEST))) + intercept


def _invalid(reason: str) -> ProblemError:
    return ProblemError(
        "model_output_invalid",
        "The model did not return one probability per class; the operator of this API must check that CLASSES matches "
        "the model.",
        cause={"reason": reason},
    )
