"""The report as one page, and its warnings."""

import base64
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from ml.dataset.patients import KAGGLE
from ml.evaluation.report import figures
from ml.evaluation.report.card import unknown_patients
from ml.evaluation.scored_split import ScoredSplit
from ml.evaluation.statistics import IntervalEstimate
from ml.html.templating import render


def html(test: ScoredSplit, metrics: Mapping[str, Any], images: Mapping[str, bytes]) -> str:
    """Return the page.

    Args:
        test: the test images with calibrated probabilities.
        metrics: the content of metrics.json.
        images: JPEG bytes of the worst errors by file.
    """
    uris = {file: f"data:image/jpeg;base64,{base64.b64encode(body).decode()}" for file, body in images.items()}
    return render("model.html", metrics=metrics, charts=charts(test, metrics), images=uris)


def charts(test: ScoredSplit, metrics: Mapping[str, Any]) -> dict[str, Markup]:
    """Return the charts as SVG by caption."""
    curves, threshold = metrics["curves"], metrics["threshold"]
    svgs = {
        "ROC curve with 95 % band over resampled patients": figures.roc(curves["roc"], threshold),
        "Precision and recall": figures.precision_recall(test, threshold),
        "Reliability: fraction of pneumonia over the probability, in bins of equal numbers of images, with 95 % "
        "intervals over images": figures.calibration(curves["reliability"]),
        "Probabilities of the test images; above ten images the axis is logarithmic": figures.histogram(
            curves["histogram"], threshold
        ),
    }
    return {caption: Markup(svg) for caption, svg in svgs.items()}  # noqa: S704  our own chart, without text from data


def warnings(metrics: Mapping[str, Any]) -> list[str]:
    """Return the warnings for the top of the report and the terminal."""
    messages = []
    if metrics.get("missing"):
        messages.append(
            f"Left out because they have no score: {len(metrics['missing']):,} images; metrics.json lists them."
        )
    if metrics["shift"]["warning"]:
        changes = ", ".join(
            f"{name} {'falls' if fall >= 0 else 'rises'} by {abs(fall):.3f}"
            for name, fall in metrics["shift"]["falls"].items()
        )
        messages.append(
            f"Shift warning: from clean to perturbed validation images, {changes}. Images of another scanner or "
            "archive may give as bad results."
        )
    internal = metrics["splits"]["test"]["AUROC"]
    for name, record in metrics["external"].items():
        if (auroc := record["metrics"]["AUROC"])["high"] < internal["low"]:
            messages.append(
                f"Population warning: the AUROC is {IntervalEstimate(**auroc)} on {name} "
                f"and {IntervalEstimate(**internal)} on test."
            )
    if not metrics["baselines"]["beaten"]:
        messages.append(
            "Baseline warning: this model does not clearly beat a logistic regression on 28 x 28 pixels. It may not "
            "have learned anything about the lungs."
        )
    if metrics["gate"]["sentence"]:
        messages.append(f"The model missed the release gate: {metrics['gate']['sentence']}.")
    if any(metrics["unknown_patients"].values()):
        messages.append(f"Patient warning: {unknown_patients(metrics)}")
    if metrics["collection"] == KAGGLE:
        messages.append(
            "Shortcut warning: in the public collection, the files of the two classes were stored differently. The "
            "data set's report shows how much of that remains after standardising."
        )
    return messages
