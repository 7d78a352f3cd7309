"""The report as one page, from metrics.json and the scores."""

import base64
from collections.abc import Mapping
from html import escape
from typing import Any

from ml.dataset.patients import KAGGLE
from ml.evaluation.evaluate import Evaluation
from ml.evaluation.report import figures
from ml.evaluation.report.card import unknown_patients
from ml.html import page
from ml.html.page import note, table

NOTICE = "Not a medical device: for research and teaching only; these figures hold for this data set only."
SPLITS = {"validation": "validation", "validation_stressed": "perturbed validation", "test": "test"}


def html(found: Evaluation, facts: Mapping[str, Any], images: Mapping[str, bytes]) -> str:
    """Return the page.

    Args:
        facts: metrics.json.
        images: JPEG bytes of the worst errors, by file.
    """
    sections = [
        f"<h1>Model {escape(facts['training_job'])}</h1><p>Data set {escape(facts['dataset'])}</p>",
        note(NOTICE),
        *(note(words) for words in facts["warnings"]),
        "<h2>Metrics</h2>",
        f"<p>Threshold {found.threshold:.4f}: {escape(facts['threshold_source'])}.</p>",
        metrics_table(facts),
        "<h2>Baselines</h2>",
        floors_table(facts["baselines"]),
        "<h2>Curves on the test images</h2>",
        curves(found, facts["curves"]),
        "<h2>Confusion matrix</h2>",
        confusion_table(facts["confusion"]),
        "<h2>Kinds of images</h2>",
        subgroup_table(facts["subgroups"]),
        "<h2>Calibration</h2>",
        f"<p>{escape(facts['calibration']['why'])}.</p>",
        calibration_table(facts["calibration"]["compared"]),
        "<h2>Against the model before</h2>",
        comparison(facts["comparison"]),
        "<h2>Worst errors</h2>",
        errors(facts["worst"], images),
        "<h2>Gate</h2>",
        gate_table(facts["gate"]),
        "<h2>Model card</h2>",
        "".join(f"<h3>{escape(title)}</h3><p>{escape(words)}</p>" for title, words in facts["card"].items()),
    ]
    return page.document(f"Model {facts['training_job']}", sections)


def warnings(facts: Mapping[str, Any]) -> list[str]:
    """Return what a reader must not miss."""
    words = []
    if facts.get("missing"):
        words.append(f"Left out, as they have no score: {len(facts['missing']):,} images; metrics.json lists them.")
    falls = facts["shift"]["falls"]
    if facts["shift"]["warning"]:
        words.append(
            "Shift warning: from clean to perturbed validation images "
            + ", ".join(f"{name} falls by {fall:.3f}" for name, fall in falls.items())
            + ". Images of another scanner or archive may fare as badly."
        )
    if not facts["baselines"]["beaten"]:
        words.append(
            "This model does not clearly beat a logistic regression on 28 x 28 pixels: what it has learnt need not be "
            "in the lungs."
        )
    if facts["gate"]["sentence"]:
        words.append(f"The gate was missed: {facts['gate']['sentence']}.")
    if any(facts["unknown_patients"].values()):
        words.append(f"Patient warning: {unknown_patients(facts)}")
    if facts["collection"] == KAGGLE:
        words.append(
            "Shortcut warning: in the public collection the classes differ in how their files were stored; see the "
            "data set's report for what remains of it after standardising."
        )
    return words


def estimate(one: Mapping[str, Any], digits: int = 3) -> list[str]:
    """Return value, interval and n as cells."""
    if one["value"] is None:
        return ["undefined", "", f"{one['n']:,} {one['unit']}"]
    interval = "" if one["low"] is None else f"{one['low']:.{digits}f} to {one['high']:.{digits}f}"
    return [f"{one['value']:.{digits}f}", interval, f"{one['n']:,} {one['unit']}"]


def value_and_interval(one: Mapping[str, Any], digits: int = 3) -> str:
    """Return value and interval as one cell, on one line."""
    value, interval, _ = estimate(one, digits)
    return unbroken(f"{value} [{interval}]" if interval else value)


def metrics_table(facts: Mapping[str, Any]) -> str:
    """Return the metrics, with a column for each split."""
    order = ("test", "validation", "validation_stressed")
    rows = []
    for name in facts["splits"]["test"]:
        found = [facts["splits"][split][name] for split in order]
        rows.append([name, *(f"{value_and_interval(one)}\nn = {estimate(one)[2]}" for one in found)])
    return table(["metric", *(f"{SPLITS[split]}\n{unbroken('value [95 % CI]')}" for split in order)], rows)


def unbroken(words: str) -> str:
    """Return words that stay on one line."""
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def floors_table(baselines: Mapping[str, Any]) -> str:
    """Return the baselines."""
    return table(
        ["baseline, on test", "value", "95 % CI", "n"],
        [[name, *estimate(one)] for name, one in baselines.items() if name != "beaten"],
    )


def curves(found: Evaluation, shown: Mapping[str, Any]) -> str:
    """Return the four charts with their captions."""
    charts = {
        "ROC curve with 95 % band over resampled patients": figures.roc(shown["roc"], found.threshold),
        "Precision and recall": figures.precision_recall(found.splits["test"], found.threshold),
        "Reliability: how often a probability comes true, in bins of equal numbers of images, with 95 % intervals over "
        "images": figures.calibration(shown["reliability"]),
        "Probabilities of the test images; above ten the axis is logarithmic": figures.histogram(
            shown["histogram"], found.threshold
        ),
    }
    return '<div class="charts">' + "".join(
        f'<figure role="img" aria-label="{escape(title)}">{svg}<figcaption>{escape(title)}</figcaption></figure>'
        for title, svg in charts.items()
    ) + "</div>"  # fmt: skip


def confusion_table(counts: Mapping[str, int]) -> str:
    """Return the 2 x 2 table."""
    return table(
        ["image", "called NORMAL", "called PNEUMONIA"],
        [
            ["NORMAL", f"{counts['true_negative']:,}", f"{counts['false_positive']:,}"],
            ["PNEUMONIA", f"{counts['false_negative']:,}", f"{counts['true_positive']:,}"],
        ],
    )


def subgroup_table(groups: Mapping[str, Any]) -> str:
    """Return the metrics of each subtype of image."""
    if not groups:
        return "<p>The data set has no subtypes of images.</p>"
    rows = [[subtype, name, *estimate(one)] for subtype, found in groups.items() for name, one in found.items()]
    return table(["subtype", "metric", "value", "95 % CI", "n"], rows)


def calibration_table(compared: Mapping[str, Any]) -> str:
    """Return Brier score and expected calibration error of each method on each split."""
    rows = [
        [
            method,
            unbroken(SPLITS[split]),
            value_and_interval(one["Brier"], 4),
            f"{one['ECE']['value']:.4f}",
            unbroken(f"{one['ECE']['chance_low']:.4f} to {one['ECE']['chance_high']:.4f}"),
            f"{one['ECE']['n']:,} {one['ECE']['unit']}",
        ]
        for method, splits in compared.items()
        for split, one in splits.items()
    ]
    head = ["calibration", "split", "Brier score\n[95 % CI]", "expected calibration\nerror", "by chance alone\n(95 %)"]
    return table([*head, "n"], rows) + (
        "<p>The expected calibration error takes bins of equal numbers of images. Chance alone makes it positive: the "
        "range is what 95 % of data sets of this size give where every probability is right. Only an error above the "
        "range is a sign of wrong probabilities.</p>"
    )


def comparison(found: Mapping[str, Any] | None) -> str:
    """Return McNemar's test in words."""
    if found is None:
        return "<p>There is no earlier evaluation on the same data set.</p>"
    words = (
        f"Of {found['n']:,} test images, {found['only_this']} were called right by this model only and "
        f"{found['only_other']} by {found['training_job']} only (McNemar's exact test: p = {found['p']:.3f})."
    )
    return f"<p>{escape(words)}</p>"


def errors(worst: Mapping[str, Any], images: Mapping[str, bytes]) -> str:
    """Return the worst errors as pictures."""
    parts = []
    for title, cases in worst.items():
        shown = "".join(
            f'<figure class="image"><img alt="{escape(file)}" src="data:image/jpeg;base64,'
            f'{base64.b64encode(images[file]).decode()}"><figcaption>{escape(file.rsplit("/", 1)[-1])}<br>'
            f"probability {probability:.3f}</figcaption></figure>"
            for file, probability in cases
            if file in images
        )
        parts.append(f"<h3>{escape(title)}</h3>" + (f'<div class="images">{shown}</div>' if shown else "<p>None.</p>"))
    return "".join(parts)


def gate_table(gate: Mapping[str, Any]) -> str:
    """Return each rule of the gate."""
    rows = [
        [
            rule["metric"],
            f"{rule['minimum']:.3f}",
            "unknown" if rule["low"] is None else f"{rule['low']:.3f}",
            "passed" if rule["passed"] else "missed",
        ]
        for rule in gate["rules"]
    ]
    return table(["lower end of the 95 % CI on test", "minimum", "found", ""], rows)
