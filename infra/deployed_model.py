"""The trained model, as `ml.train` and `ml.transform` left it in cdk.context.json."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.errors import SettingsError

RESIZE_MODES = ("squash", "pad")
"""The ways to make an image square that radiograph has."""


@dataclass(frozen=True)
class TrainedModel:
    """What the endpoint and the API need to know of a model.

    Attributes:
        artifact: s3://.../model.tar.gz.
        training_job: name of the job it came from, shown as the model's version.
        classes: in the order of the model's output.
        resize_mode: how the images it was trained on were made square; see radiograph.standardise.
        threshold: probability of PNEUMONIA from which an image is called that, in [0, 1].
        threshold_source: one sentence on where the threshold comes from.
        calibration: slope and intercept on the logit of PNEUMONIA.
        evaluation: s3://.../ with metrics.json and report.html, "" when there is none.
        gate: "passed" or "forced"; anything else says why the model may not be deployed.
    """

    artifact: str
    training_job: str
    classes: tuple[str, ...]
    resize_mode: str
    threshold: float
    threshold_source: str
    calibration: tuple[float, float]
    gate: str
    evaluation: str

    @property
    def deployable(self) -> bool:
        """Whether `ml.transform` released it."""
        return self.gate in ("passed", "forced")


def read(context: Mapping[str, Any], stage: str) -> TrainedModel | None:
    """Return the stage's model; None when none was trained yet.

    Raises:
        SettingsError: the entry cannot be used.
    """
    entry = context.get(f"model:{stage}")
    if entry is None:
        return None
    faults = faults_of(entry) if isinstance(entry, dict) else ["it is no object"]
    if faults:
        raise SettingsError(
            f"model:{stage} in cdk.context.json cannot be used: {'; '.join(faults)}. "
            f"Run `python -m ml.train --stage {stage}` to write it anew."
        )
    return TrainedModel(
        entry["artifact"],
        entry["training_job"],
        tuple(entry["classes"]),
        entry["resize_mode"],
        float(entry["threshold"]),
        entry["threshold_source"],
        (float(entry["calibration"]["slope"]), float(entry["calibration"]["intercept"])),
        entry["gate"],
        entry.get("report", "").removesuffix("report.html"),
    )


def faults_of(entry: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with an entry: each part's rule, and what is there instead."""
    threshold: Any = entry.get("threshold")
    source = entry.get("threshold_source")
    # bool is a kind of int in Python; true is no probability.
    numeric = isinstance(threshold, int | float) and not isinstance(threshold, bool)
    rules = {
        "artifact": (
            "an s3:// URI of a model.tar.gz",
            matches(r"s3://[a-z0-9.-]{3,63}/.+/model\.tar\.gz", entry, "artifact"),
        ),
        "training_job": ("a job's name", matches(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", entry, "training_job")),
        "classes": ("NORMAL and PNEUMONIA in label order", entry.get("classes") == ["NORMAL", "PNEUMONIA"]),
        "resize_mode": (" or ".join(RESIZE_MODES), entry.get("resize_mode") in RESIZE_MODES),
        "threshold": ("a number from 0 to 1", numeric and math.isfinite(threshold) and 0 <= threshold <= 1),
        "threshold_source": ("a sentence", isinstance(source, str) and source.strip()),
        "calibration": ("slope above 0 and intercept, both numbers", is_calibration(entry.get("calibration"))),
        "report": (
            "an s3:// URI of a report.html, or left out",
            "report" not in entry or matches(r"s3://[a-z0-9.-]{3,63}/.+/report\.html", entry, "report"),
        ),
        "gate": ("passed, forced, or a reason", isinstance(entry.get("gate"), str) and entry["gate"].strip()),
    }
    return [f"{name} must be {rule}, but is {entry.get(name)!r}" for name, (rule, kept) in rules.items() if not kept]


def is_calibration(value: Any) -> bool:
    """Return whether a part is a slope and an intercept."""
    if not isinstance(value, dict) or set(value) != {"slope", "intercept"}:
        return False
    numbers = [one for one in value.values() if isinstance(one, int | float) and not isinstance(one, bool)]
    return len(numbers) == 2 and all(map(math.isfinite, numbers)) and value["slope"] > 0


def matches(pattern: str, entry: Mapping[str, Any], name: str) -> bool:
    """Return whether a part is a string of a form."""
    value = entry.get(name)
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None
