"""The model's answer, checked and put into words."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Final

from inference_proxy.problems import ProblemError
from inference_proxy.settings import POSITIVE, Settings

DISCLAIMER: Final = (
    "Not a medical device. For research and education only; a radiologist must read the image before any decision."
)
# Softmax in 32-bit floats, printed as text: the sum is off by far less.
_SUM_TOLERANCE: Final = 1e-3
_EDGE: Final = 1e-7
# Both probabilities carry their own digits, so log-odds stay exact far beyond the calibration's 1e-7.
_LEAST: Final = 1e-12


def probabilities(answer: bytes, classes: tuple[str, ...]) -> dict[str, float]:
    """Probability of each class, in [0, 1], summing to 1, from the bytes of the model's answer.

    The built-in Image Classification answers a bare JSON array for Accept application/json and
    `{"prediction": [...]}` for application/jsonlines; both are read.
    Raises ProblemError `model_output_invalid` for anything else.
    """
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError):
        raise _invalid("not JSON") from None
    values = document.get("prediction") if isinstance(document, dict) else document
    if not isinstance(values, list):
        raise _invalid("no list of probabilities")
    if len(values) != len(classes):
        raise _invalid(f"{len(values)} values for {len(classes)} classes")
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise _invalid("a value that is not a number")
    # Written so that NaN fails too.
    if not all(0 <= value <= 1 for value in values) or abs(math.fsum(values) - 1) > _SUM_TOLERANCE:
        raise _invalid("values that are no probabilities")
    return dict(zip(classes, map(float, values), strict=True))


def prediction(scores: Mapping[str, float], settings: Settings, request_id: str) -> dict[str, object]:
    """The body of a successful answer from calibrated scores.

    `probability` is that of PNEUMONIA, which the label is from the threshold on.
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
    """The probabilities after slope x logit + intercept for PNEUMONIA; the others keep their shares of the rest.

    The same as `ml.evaluation.calibration`: probabilities are kept 1e-7 away from 0 and 1, and (1, 0) changes nothing.
    """
    if (slope, intercept) == (1.0, 0.0):
        return dict(scores)
    before = min(max(scores[POSITIVE], _EDGE), 1 - _EDGE)
    after = 0.5 * (1 + math.tanh((slope * math.log(before / (1 - before)) + intercept) / 2))
    others = {name: value for name, value in scores.items() if name != POSITIVE}
    rest = math.fsum(others.values())
    shares = {name: value / rest if rest else 1 / len(others) for name, value in others.items()}
    return {name: after if name == POSITIVE else (1 - after) * shares[name] for name in scores}


def log_odds(scores: Mapping[str, float], slope: float, intercept: float) -> float:
    """Return the calibrated log-odds of PNEUMONIA from the model's own scores: slope x log(p / rest) + intercept.

    `rest` is the sum of the other probabilities: where p rounds to 1, it still tells how sure the model is. Both are
    kept at 1e-12 or above.
    """
    rest = math.fsum(value for name, value in scores.items() if name != POSITIVE)
    return slope * (math.log(max(scores[POSITIVE], _LEAST)) - math.log(max(rest, _LEAST))) + intercept


def _invalid(reason: str) -> ProblemError:
    return ProblemError(
        "model_output_invalid",
        "The model answered with something other than one probability per class; "
        "whoever runs this API has to check that its model and its classes belong together.",
        cause={"reason": reason},
    )
