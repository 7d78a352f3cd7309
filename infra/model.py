"""The trained model, as `ml.train` and `ml.transform` left it in cdk.context.json."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.errors import SettingsError


@dataclass(frozen=True)
class TrainedModel:
    """What the endpoint and the API need to know of a model.

    Attributes:
        artifact: s3://.../model.tar.gz.
        training_job: name of the job it came from, shown as the model's version.
        classes: in the order of the model's output.
        threshold: probability of PNEUMONIA from which a film is called that, in [0, 1].
        threshold_source: one sentence on where the threshold comes from.
    """

    artifact: str
    training_job: str
    classes: tuple[str, ...]
    threshold: float
    threshold_source: str


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
        float(entry["threshold"]),
        entry["threshold_source"],
    )


def faults_of(entry: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with an entry."""
    threshold = entry.get("threshold")
    classes = entry.get("classes")
    usable_threshold = isinstance(threshold, int | float) and math.isfinite(threshold) and 0 <= threshold <= 1
    checks = {
        "artifact must be an s3:// URI of a model.tar.gz": re.fullmatch(
            r"s3://[a-z0-9.-]{3,63}/.+/model\.tar\.gz", str(entry.get("artifact", ""))
        ),
        "training_job must be a job's name": re.fullmatch(
            r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", str(entry.get("training_job", ""))
        ),
        "classes must be NORMAL and PNEUMONIA in label order": classes == ["NORMAL", "PNEUMONIA"],
        "threshold must be a number from 0 to 1": usable_threshold,
        "threshold_source must be a sentence": entry.get("threshold_source"),
    }
    return [sentence for sentence, fine in checks.items() if not fine]
