"""An evaluation shown on the terminal, and stored beside the artifact."""

import csv
import io
import json
import math
from collections.abc import Mapping
from typing import Any

import botocore.exceptions

from ml import atomic, project
from ml.evaluation import metrics, report
from ml.evaluation.evaluate import Evaluation, worst
from ml.evaluation.reliability import CalibrationError
from ml.evaluation.scored_split import ScoredSplit
from ml.evaluation.statistics import Estimate
from ml.scoring import labelled
from ml.training import runs

AUDITED = ("before", "after")
NOTICE = "Not a medical device: these figures hold for this data set only."


def read_baseline(bucket: str, dataset: Mapping[str, Any]) -> dict[str, float]:
    """Return the probabilities of the data set's baseline by file."""
    scores: dict[str, float] = json.loads(labelled.fetch(bucket, dataset, ["baseline.json"])["baseline.json"])["scores"]
    return scores


def read_audit(bucket: str, dataset: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the data set's encoding audit; None where it has no report.json."""
    try:
        body = labelled.fetch(bucket, dataset, ["report.json"])["report.json"]
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
            raise
        return None
    return audit_of(json.loads(body))


def audit_of(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the audit in a data set's report.json, as metrics.json has it; None where it holds none."""
    if not {"audit", "verdict"} <= set(told):
        return None
    parts = {part: {name: figures(one) for name, one in told["audit"][part].items()} for part in AUDITED}
    return {"sentences": told["verdict"], **parts}


def figures(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return a number of the audit with its interval and n; NaN, where a class has a single image, becomes null."""
    return {name: None if math.isnan(one[name]) else one[name] for name in ("value", "low", "high", "n")}


def show(found: Evaluation, dataset: str) -> None:
    """Print threshold, calibration, test metrics, baselines and warnings."""
    facts = found.facts
    print(f"Threshold {found.threshold:.4f}: {facts['threshold_source']}.")
    calibration = facts["calibration"]
    print(f"Calibration: {calibration['why']}.")
    baselines = {name: Estimate(**one) for name, one in facts["baselines"].items() if isinstance(one, dict)}
    print(f"Test images of {dataset}:\n{metrics.table({**found.test, **baselines})}")
    error = CalibrationError(**calibration["compared"][calibration["method"]]["test"]["ECE"])
    print(f"Expected calibration error on test: {error}")
    if facts["comparison"]:
        one = facts["comparison"]
        print(f"Against {one['training_job']}: {one['only_this']} images right by this model only, {one['only_other']} "
              f"by that one only (McNemar p = {one['p']:.3f}).")  # fmt: skip
    for words in report.warnings(facts):
        print(words)
    print(NOTICE)


def store(
    entry: Mapping[str, Any], found: Evaluation, raw: Mapping[str, ScoredSplit], dataset: Mapping[str, Any], force: bool
) -> dict[str, Any]:  # fmt: skip
    """Write predictions, metrics and report into build/evaluation/JOB and beside the artifact; return metrics.json."""
    artifact, test = entry["artifact"], found.splits["test"]
    bucket, key = runs.location(artifact, "report.html")
    facts = found.facts | {
        "training_job": entry["training_job"],
        "dataset": entry["dataset"],
        "artifact": artifact,
        "report": f"s3://{bucket}/{key}",
        "forced": force and not found.facts["gate"]["passed"],
        "worst": worst(test, found.threshold),
        "audit": read_audit(bucket, dataset),
    }
    facts |= {"card": report.card(facts), "warnings": report.warnings(facts)}
    images = labelled.fetch(bucket, dataset, [file for cases in facts["worst"].values() for file, _ in cases])
    page = report.html(found, facts, images)
    folder = project.root() / "build" / "evaluation" / entry["training_job"]
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in {
        "predictions.csv": predictions(raw, found, dataset["classes"]).encode(),
        "metrics.json": json.dumps(facts, indent=1, allow_nan=False).encode(),
        "report.html": page.encode(),
    }.items():
        atomic.write(folder / name, body)
        print(f"{folder.relative_to(project.root()) / name}  {runs.put(artifact, name, body)}")
    return facts


def predictions(raw: Mapping[str, ScoredSplit], found: Evaluation, classes: list[str]) -> str:
    """Return one CSV line an image: label, patient (empty where unknown), probabilities and the class called."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["file", "label", "patient", "model_probability", "probability", "called"])
    for split, images in found.splits.items():
        rows = zip(images.files, images.labels, images.patients, raw[split].scores, images.scores, strict=True)
        for file, label, patient, before, after in rows:
            called = classes[int(after >= found.threshold)]
            writer.writerow([file, classes[label], patient or "", repr(float(before)), repr(float(after)), called])
    return buffer.getvalue()
