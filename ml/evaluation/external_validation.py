"""Measure a model on a data set of another population, with its threshold and calibration unchanged."""

from collections.abc import Collection, Mapping
from typing import Any

from ml.errors import UserError
from ml.evaluation.calibration import LogitCalibration
from ml.evaluation.metrics import as_json, split_metrics
from ml.evaluation.scored_split import ScoredSplit
from ml.evaluation.statistics import IntervalEstimate

SPLITS = ("train", "validation", "test")
"""Splits that are measured together. The perturbed copies of validation images are left out."""
CHOSEN = ("threshold", "prevalence")
"""Members of metrics.json, besides the calibration, that an external evaluation uses."""


def images_of(dataset: Mapping[str, Any], own: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the images to measure, as in dataset.json.

    Args:
        dataset: the data set of another population.
        own: the data set of the model.

    Raises:
        UserError: the data set shares images with the model's, or was prepared in another way.
    """
    name, model_name = (f"{content['name']}/{content['version']}" for content in (dataset, own))
    images = [image for image in dataset["images"] if image["file"].split("/")[0] in SPLITS]
    pixels = {image["pixels"] for image in own["images"]}
    if common := sum(image["pixels"] in pixels for image in images):
        raise UserError(
            f"--external {name}: {common:,} of its {len(images):,} images are also in {model_name}, the model's own "
            "data set. Prepare a data set without them.",
            2,
        )
    for setting, allowed in (("resize_mode", own["settings"]["resize_mode"]), ("format", "lst")):
        if (received := dataset["settings"][setting]) != allowed:
            option = f"--{setting.replace('_', '-')}"
            raise UserError(
                f"--external {name} was prepared with {option} {received}; this model needs {option} {allowed}. "
                f"Prepare the data set again with {option} {allowed}.",
                2,
            )
    return images


def measure(raw: ScoredSplit, metrics: Mapping[str, Any], seed: int) -> tuple[ScoredSplit, dict[str, IntervalEstimate]]:
    """Return the images with calibrated probabilities, and their metrics.

    Args:
        raw: the images with the model's own probabilities.
        metrics: the metrics.json of the model's evaluation.
    """
    calibration = LogitCalibration.of(**chosen_calibration(metrics))
    images = raw.with_scores(calibration.apply(raw.scores))
    return images, split_metrics(images, metrics["threshold"], metrics["prevalence"], seed)


def record(
    dataset: Mapping[str, Any], images: ScoredSplit, estimates: Mapping[str, IntervalEstimate], missing: Collection[str]
) -> dict[str, Any]:
    """Return what metrics.json holds of an external evaluation; `missing` are the files without a score."""
    return {
        "collection": dataset["collection"],
        "images": len(images),
        "unknown_patients": images.unknown_patients,
        "missing": len(missing),
        "metrics": as_json(estimates),
    }


def chosen_calibration(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return slope and intercept of the calibration in metrics.json."""
    return {name: metrics["calibration"][name] for name in ("slope", "intercept")}


def still_valid(previous: Mapping[str, Any] | None, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the external evaluations of the model's previous metrics.json that also hold for the new one.

    There are none if the threshold, the calibration or the prevalence changed.
    """
    recorded = {} if previous is None else previous.get("external", {})
    if previous is None or not recorded:
        return {}
    same = all(previous[name] == metrics[name] for name in CHOSEN)
    if same and chosen_calibration(previous) == chosen_calibration(metrics):
        return dict(recorded)
    for name in recorded:
        print(
            f"The external evaluation on {name} is removed: the threshold, the calibration or the prevalence changed. "
            f"Measure again with --external {name}."
        )
    return {}
