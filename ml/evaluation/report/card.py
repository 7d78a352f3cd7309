"""The model card: what the model is for, what it is not for, and what is known of it (Mitchell et al., 2019)."""

from collections.abc import Mapping
from typing import Any

DATA = (
    "Films of the public Kaggle collection come from one centre (Guangzhou Women and Children's Medical Center), from "
    "children of one to five years, in one view (antero-posterior). Its two classes were recorded and stored "
    "differently, which a network can learn instead of the disease; standardising the files does not undo all of it."
)

SYNTHETIC = "Synthetic films made by this project, which resemble chest radiographs and show no patient."
OTHER = (
    "Films that somebody prepared for this model. Its card cannot know of which centre, machines, ages and views they "
    "are, nor who said what they show: whoever publishes the model has to add it."
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
        "Not intended for": "Diagnosis, triage or screening; adults; lateral views; films of other centres without a "
        "new evaluation there; any disease but pneumonia. It has no answer for films it cannot read.",
        "Training and test data": data(facts),
        "How it was measured": "No patient and no picture is in two splits. Threshold and calibration were chosen on "
        "validation; the test films were only measured. Proportions have Wilson's 95 % interval over films, and "
        "predictive values at another prevalence one made of these; the others have a percentile interval over 2,000 "
        "draws of patients.",
        "Limits": "Labels carry neither severity nor age nor sex, so that nothing is known of fairness. Predictive "
        "values hold for the stated prevalence alone. One test set of one collection says little about another.",
    }


def data(facts: Mapping[str, Any]) -> str:
    """Return where the films come from; kinds of films are known of the public collection only."""
    if facts["dataset"].startswith("phantom/"):
        return SYNTHETIC
    return DATA if facts["subgroups"] else OTHER
