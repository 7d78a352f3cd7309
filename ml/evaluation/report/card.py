"""The model card: what the model is for, what it is not for, and what is known of it (Mitchell et al., 2019)."""

from collections.abc import Mapping
from typing import Any

from ml.dataset.patients import KAGGLE

DATA = (
    "Images of the public Kaggle collection come from one centre (Guangzhou Women and Children's Medical Center), from "
    "children of one to five years, in one view (antero-posterior). Its two classes were recorded and stored "
    "differently, which a network can learn instead of the disease; standardising the files does not undo all of it."
)

SYNTHETIC = "Synthetic images made by this project, which resemble chest radiographs and show no patient."
NAMES = {"nih": "NIH ChestX-ray14", "chexpert": "CheXpert", "mimic": "MIMIC-CXR"}
OTHER = (
    "This card does not know their centres, machines, ages and views, nor who labelled them. Add that before you "
    "publish the model."
)


def card(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the card's parts by title."""
    gate = facts["gate"]
    if gate["passed"]:
        verdict = "It passed the minimums that were set for deployment."
    elif facts.get("forced"):
        verdict = f"It MISSED the minimums ({gate['sentence']}) and was released for deployment by force."
    else:
        verdict = f"It missed the minimums ({gate['sentence']}) and is not released for deployment."
    return {
        "Model": f"Training job {facts['training_job']} on data set {facts['dataset']}. {verdict}",
        "Intended use": "Research and teaching on the classification of chest radiographs. Not a medical device: "
        "nothing it says may decide about a patient.",
        "Not intended for": "Diagnosis, triage or screening; lateral views; images of other centres, or of patients "
        f"unlike those of the data set{' (adults)' if facts['collection'] == KAGGLE else ''}, without a new evaluation "
        "there; any disease but pneumonia. It has no answer for images it cannot read.",
        "Training and test data": data(facts),
        "How it was measured": f"{separation(facts)} Threshold and calibration were chosen on validation; the test "
        "images were only measured. Proportions have Wilson's 95 % interval over images, and predictive values at "
        "another prevalence one made of these. The AUROC has a score interval over patients, the others a percentile "
        "interval over 2,000 draws of patients. The calibration error, over bins of equal numbers of images, is given "
        "beside the range that chance gives a model whose probabilities are right.",
        "Limits": "Labels carry neither severity nor age nor sex, so that nothing is known of fairness. Predictive "
        "values hold for the stated prevalence alone. One test set of one collection says little about another.",
    }


def data(facts: Mapping[str, Any]) -> str:
    """Return where the images come from, as far as the data set knows."""
    known = {"phantom": SYNTHETIC, KAGGLE: DATA}
    if facts["collection"] in known:
        return known[facts["collection"]]
    if facts["collection"] in NAMES:
        return f"Images whose files are named as those of the public collection {NAMES[facts['collection']]}. {OTHER}"
    return f"Images that were prepared for this model. {OTHER}"


def separation(facts: Mapping[str, Any]) -> str:
    """Return what keeps the splits apart, and for how many images nobody knows."""
    if not any(facts["unknown_patients"].values()):
        return "No patient and no image is in two splits."
    return f"No known patient and no image is in two splits. {unknown_patients(facts)}"


def unknown_patients(facts: Mapping[str, Any]) -> str:
    """Return for how many images the patient is unknown, and what follows; for metrics.json with such images only."""
    counts = [
        f"{facts['unknown_patients'][split]:,} of {facts['images'][split]:,} {split} images"
        for split in ("validation", "test")
    ]
    return (
        f"The patient is unknown for {' and '.join(counts)}. Each of these images counts as a patient of its own: "
        "images of one patient may be in two splits, and intervals may be too narrow."
    )
