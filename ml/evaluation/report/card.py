"""The model card: intended use, data, measurement and limits of a model (Mitchell et al., 2019)."""

from collections.abc import Mapping
from typing import Any

from ml.dataset.patients import KAGGLE
from ml.evaluation.statistics import IntervalEstimate

KAGGLE_DATA = (
    "The radiographs of the public Kaggle collection come from one centre (Guangzhou Women and Children's Medical "
    "Center). They show children of one to five years in one view (antero-posterior). The two classes were recorded "
    "and stored differently. A network can learn that difference instead of the disease, and standardising the files "
    "removes only a part of it."
)
SYNTHETIC_DATA = "Synthetic images made by this project. They resemble chest radiographs and show no patient."
COLLECTIONS = {"nih": "NIH ChestX-ray14", "chexpert": "CheXpert", "mimic": "MIMIC-CXR"}
UNKNOWN_DATA = (
    "This card does not know their centres, machines, ages and views, nor who labelled them. Add that before you "
    "publish the model."
)


def card(metrics: Mapping[str, Any]) -> dict[str, str]:
    """Return the parts of the card by title.

    Args:
        metrics: the content of metrics.json.
    """
    unlike = " (adults)" if metrics["collection"] == KAGGLE else ""
    return {
        "Model": f"Training job {metrics['training_job']} on data set {metrics['dataset']}. {verdict(metrics)}",
        "Intended use": "Research and teaching on the classification of chest radiographs. The model is not a medical "
        "device. Do not base a decision about a patient on its output.",
        "Not intended for": "Diagnosis, triage or screening; lateral views; any disease other than pneumonia. Evaluate "
        f"the model again before you use it on images of other centres, or of patients unlike those of the data set"
        f"{unlike}.",
        "Training and test data": data(metrics["collection"]),
        "How it was measured": f"{separation(metrics)} Threshold and calibration were chosen on validation; the test "
        "images were only measured. Proportions have Wilson's 95 % interval over images. Predictive values at another "
        "prevalence have an interval computed from these. The AUROC has a score interval over patients, the other "
        "metrics a percentile interval over 2,000 draws of patients. The calibration error, over bins of equal numbers "
        "of images, is shown with the range that chance alone gives if every probability is right.",
        "External validation": external(metrics),
        "Limits": "Severity, age and sex are not recorded, and fairness was not measured. Predictive values hold only "
        "for the stated prevalence. A test set of one collection says little about another collection.",
    }


def verdict(metrics: Mapping[str, Any]) -> str:
    """Return whether the model passed the release gate, and whether it is released."""
    gate = metrics["gate"]
    if gate["passed"]:
        return "It passed the release gate."
    if metrics.get("forced"):
        return f"It MISSED the release gate ({gate['sentence']}) and was released for deployment by force."
    return f"It missed the release gate ({gate['sentence']}) and is not released for deployment."


def data(collection: str | None) -> str:
    """Return the origin of the images, as far as it is known."""
    if collection == KAGGLE:
        return KAGGLE_DATA
    if collection == "phantom":
        return SYNTHETIC_DATA
    if collection in COLLECTIONS:
        return f"Images with the file names of the public collection {COLLECTIONS[collection]}. {UNKNOWN_DATA}"
    return f"Images that were prepared for this model. {UNKNOWN_DATA}"


def external(metrics: Mapping[str, Any]) -> str:
    """Return the result on the data set of each other population, beside that on the test images."""
    if not metrics["external"]:
        return "None recorded. Nothing is known about images of another population."
    results = [
        f"{record['images']:,} images of {name}{origin(record['collection'])}: {headline(record['metrics'])}."
        for name, record in metrics["external"].items()
    ]
    own = f"{metrics['images']['test']:,} test images: {headline(metrics['splits']['test'])}."
    return " ".join(["Threshold and calibration were not changed.", *results, f"By comparison, {own}"])


def origin(collection: str | None) -> str:
    """Return a public collection in brackets; "" if it is not known."""
    return f" ({COLLECTIONS[collection]})" if collection in COLLECTIONS else ""


def headline(estimates: Mapping[str, Any]) -> str:
    """Return AUROC, sensitivity and specificity, each with its interval and n; estimates as in metrics.json."""
    return ", ".join(
        f"{name} {IntervalEstimate(**estimates[name])}" for name in ("AUROC", "Sensitivity", "Specificity")
    )


def separation(metrics: Mapping[str, Any]) -> str:
    """Return whether splits share patients or images, as far as patients are known."""
    if not any(metrics["unknown_patients"].values()):
        return "No patient and no image is in two splits."
    return f"No known patient and no image is in two splits. {unknown_patients(metrics)}"


def unknown_patients(metrics: Mapping[str, Any]) -> str:
    """Return the number of images of unknown patients, and the consequences."""
    counts = [
        f"{metrics['unknown_patients'][split]:,} of {metrics['images'][split]:,} {split} images"
        for split in ("validation", "test")
    ]
    return (
        f"The patient is unknown for {' and '.join(counts)}. Each of these images counts as a patient of its own: "
        "images of one patient may be in two splits, and intervals may be too narrow."
    )
