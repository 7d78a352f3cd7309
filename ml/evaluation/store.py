"""Print the result of an evaluation, and store it beside the model's artifact."""

import csv
import io
import json
import math
from collections.abc import Mapping
from typing import Any

from ml import atomic, project
from ml.aws.s3 import Bucket
from ml.evaluation import metrics, report
from ml.evaluation.evaluate import Evaluation, worst_errors
from ml.evaluation.reliability import CalibrationError
from ml.evaluation.scored_split import ScoredSplit
from ml.evaluation.statistics import Estimate
from ml.scoring import labelled
from ml.training import runs

NOTICE = "Not a medical device. These figures hold for this data set only."


def read_baseline(bucket: str, dataset: Mapping[str, Any]) -> dict[str, float]:
    """Return the probabilities of the data set's baseline by file."""
    scores: dict[str, float] = json.loads(labelled.fetch(bucket, dataset, ["baseline.json"])["baseline.json"])["scores"]
    return scores


def read_audit(bucket: str, dataset: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the data set's encoding audit; None if the data set has no report.json."""
    body = Bucket(bucket).get(f"datasets/{dataset['name']}/{dataset['version']}/report.json")
    return None if body is None else audit_of(json.loads(body))


def audit_of(dataset_report: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the audit of a data set's report.json for metrics.json; None if it has none.

    NaN, where a class has a single image, becomes null.
    """
    if not {"audit", "verdict"} <= set(dataset_report):
        return None
    parts = {
        part: {
            name: {key: None if math.isnan(area[key]) else area[key] for key in ("value", "low", "high", "n")}
            for name, area in dataset_report["audit"][part].items()
        }
        for part in ("before", "after")
    }
    return {"sentences": dataset_report["verdict"], **parts}


def print_summary(evaluation: Evaluation, dataset: str) -> None:
    """Print threshold, calibration, test metrics, baselines and warnings."""
    values = evaluation.metrics
    calibration, comparison = values["calibration"], values["comparison"]
    print(f"Threshold {evaluation.threshold:.4f}: {values['threshold_source']}.")
    print(f"Calibration: {calibration['why']}.")
    baselines = {name: Estimate(**value) for name, value in values["baselines"].items() if isinstance(value, dict)}
    print(f"Test images of {dataset}:\n{metrics.table({**evaluation.test, **baselines})}")
    error = CalibrationError(**calibration["compared"][calibration["method"]]["test"]["ECE"])
    print(f"Expected calibration error on test: {error}")
    if comparison:
        print(f"Compared with {comparison['training_job']}: {comparison['only_this']} images right by this model only, "
              f"{comparison['only_other']} by that model only (McNemar p = {comparison['p']:.3f}).")  # fmt: skip
    for warning in report.warnings(values):
        print(warning)
    print(NOTICE)


def save(
    entry: Mapping[str, Any],
    evaluation: Evaluation,
    raw: Mapping[str, ScoredSplit],
    dataset: Mapping[str, Any],
    force: bool,
) -> dict[str, Any]:
    """Write predictions, metrics and report into build/evaluation/JOB and beside the artifact; return metrics.json."""
    artifact = entry["artifact"]
    bucket, key = runs.location(artifact, "report.html")
    values = evaluation.metrics | {
        "training_job": entry["training_job"],
        "dataset": entry["dataset"],
        "artifact": artifact,
        "report": f"s3://{bucket}/{key}",
        "forced": force and not evaluation.metrics["gate"]["passed"],
        "worst": worst_errors(evaluation.splits["test"], evaluation.threshold),
        "audit": read_audit(bucket, dataset),
    }
    values |= {"card": report.card(values), "warnings": report.warnings(values)}
    images = labelled.fetch(bucket, dataset, [file for cases in values["worst"].values() for file, _ in cases])
    folder = project.root() / "build" / "evaluation" / entry["training_job"]
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in {
        "predictions.csv": predictions(raw, evaluation, dataset["classes"]).encode(),
        "metrics.json": json.dumps(values, indent=1, allow_nan=False).encode(),
        "report.html": report.html(evaluation, values, images).encode(),
    }.items():
        atomic.write(folder / name, body)
        print(f"{folder.relative_to(project.root()) / name}  {runs.put(artifact, name, body)}")
    return values


def predictions(raw: Mapping[str, ScoredSplit], evaluation: Evaluation, classes: list[str]) -> str:
    """Return a CSV line for each image: label, patient (empty if unknown), probabilities and the class called."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["file", "label", "patient", "model_probability", "probability", "called"])
    for split, images in evaluation.splits.items():
        rows = zip(images.files, images.labels, images.patients, raw[split].scores, images.scores, strict=True)
        for file, label, patient, before, after in rows:
            called = classes[int(after >= evaluation.threshold)]
            writer.writerow([file, classes[label], patient or "", repr(float(before)), repr(float(after)), called])
    return buffer.getvalue()
