"""Print the result of an evaluation, and store it beside the model's artifact."""

import csv
import io
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ml import atomic, project
from ml.aws.s3 import Bucket, split_uri
from ml.errors import UserError
from ml.evaluation import external_validation, metrics, report
from ml.evaluation.evaluate import EvaluationResult, worst_errors
from ml.evaluation.reliability import CalibrationError
from ml.evaluation.scored_split import ScoredSplit
from ml.evaluation.statistics import IntervalEstimate
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


def read_evaluation(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metrics.json of a model.

    Raises:
        UserError: the model was not evaluated.
    """
    bucket, _ = split_uri(entry["artifact"])
    values = runs.get_json(bucket, entry["training_job"], "metrics.json")
    if values is None:
        raise UserError(
            f"Model {entry['training_job']} was not evaluated yet. Run `python -m ml.transform` without --external "
            "first: it chooses the threshold and the calibration."
        )
    return values


def print_summary(evaluation: EvaluationResult, dataset: str) -> None:
    """Print threshold, calibration, test metrics, baselines and warnings."""
    values = evaluation.metrics
    calibration, comparison = values["calibration"], values["comparison"]
    print(f"Threshold {evaluation.threshold:.4f}: {values['threshold_source']}.")
    print(f"Calibration: {calibration['why']}.")
    baselines = {
        name: IntervalEstimate(**value) for name, value in values["baselines"].items() if isinstance(value, dict)
    }
    print(f"Test images of {dataset}:\n{metrics.table({**evaluation.test, **baselines})}")
    error = CalibrationError(**calibration["compared"][calibration["method"]]["test"]["ECE"])
    print(f"Expected calibration error on test: {error}")
    if comparison:
        print(f"Compared with {comparison['training_job']}: {comparison['only_this']} images right by this model only, "
              f"{comparison['only_other']} by that model only (McNemar p = {comparison['p']:.3f}).")  # fmt: skip
    for warning in report.warnings(values):
        print(warning)
    print(NOTICE)


def print_external(
    name: str, values: Mapping[str, Any], estimates: Mapping[str, IntervalEstimate], missing: Mapping[str, str]
) -> None:
    """Print the metrics on the data set of another population beside those of metrics.json.

    Args:
        missing: the reason for each image without a score.
    """
    if missing:
        print(f"Left out because they have no score: {len(missing):,} images.{labelled.listed(missing)}")
    print(f"All images of {name} at threshold {values['threshold']:.4f}:\n{metrics.table(estimates)}")
    print(f"Test images of {values['dataset']}: {report.headline(values['splits']['test'])}.")
    print(NOTICE)


def save(
    entry: Mapping[str, Any],
    evaluation: EvaluationResult,
    raw: Mapping[str, ScoredSplit],
    dataset: Mapping[str, Any],
    force: bool,
) -> dict[str, Any]:
    """Store an evaluation with its predictions; return metrics.json."""
    artifact = entry["artifact"]
    bucket, key = runs.location(artifact, "report.html")
    previous = runs.get_json(bucket, entry["training_job"], "metrics.json")
    values = evaluation.metrics | {
        "training_job": entry["training_job"],
        "dataset": entry["dataset"],
        "artifact": artifact,
        "report": f"s3://{bucket}/{key}",
        "forced": force and not evaluation.metrics["gate"]["passed"],
        "worst": worst_errors(evaluation.splits["test"], evaluation.threshold),
        "audit": read_audit(bucket, dataset),
        "external": external_validation.still_valid(previous, evaluation.metrics),
    }
    table = predictions(raw, evaluation.splits, evaluation.threshold, dataset["classes"])
    return publish(values, evaluation.splits["test"], dataset, {"predictions.csv": table})


def save_external(
    values: Mapping[str, Any], name: str, record: Mapping[str, Any], table: str, dataset: Mapping[str, Any]
) -> dict[str, Any]:
    """Add an external evaluation to the stored evaluation; return metrics.json.

    Args:
        values: the stored metrics.json.
        name: NAME/VERSION of the data set of another population.
        table: the predictions for it as CSV.
        dataset: the data set of the model.
    """
    bucket, key = runs.location(values["artifact"], "predictions.csv")
    test = read_test(Bucket(bucket).read(key).decode(), dataset["classes"])
    changed = {**values, "external": {**values.get("external", {}), name: record}}
    return publish(changed, test, dataset, {f"external-{name.replace('/', '-')}.csv": table})


def publish(
    values: dict[str, Any], test: ScoredSplit, dataset: Mapping[str, Any], tables: Mapping[str, str]
) -> dict[str, Any]:
    """Write tables, metrics and report into build/evaluation/JOB and beside the artifact; return metrics.json.

    Args:
        values: the content of metrics.json, without warnings and card.
        test: the test images with calibrated probabilities.
        dataset: the data set of the model.
    """
    values = values | {"card": report.card(values), "warnings": report.warnings(values)}
    artifact = values["artifact"]
    bucket, _ = split_uri(artifact)
    images = labelled.fetch(bucket, dataset, [file for cases in values["worst"].values() for file, _ in cases])
    folder = project.root() / "build" / "evaluation" / values["training_job"]
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {
        **tables,
        "metrics.json": json.dumps(values, indent=1, allow_nan=False),
        "report.html": report.html(test, values, images),
    }.items():
        atomic.write(folder / name, text)
        print(f"{folder.relative_to(project.root()) / name}  {runs.put(artifact, name, text.encode())}")
    return values


def read_test(table: str, classes: list[str]) -> ScoredSplit:
    """Return the test images of predictions.csv with their calibrated probabilities, without subtypes."""
    rows = [row for row in csv.DictReader(io.StringIO(table)) if row["file"].startswith("test/")]
    return ScoredSplit(
        np.array([classes.index(row["label"]) for row in rows], dtype=np.int64),
        np.array([float(row["probability"]) for row in rows]),
        [row["patient"] or None for row in rows],
        [row["file"] for row in rows],
        [""] * len(rows),
    )


def predictions(
    raw: Mapping[str, ScoredSplit], calibrated: Mapping[str, ScoredSplit], threshold: float, classes: list[str]
) -> str:
    """Return a CSV line for each image: label, patient (empty if unknown), probabilities and the class called."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["file", "label", "patient", "model_probability", "probability", "called"])
    for split, images in calibrated.items():
        rows = zip(images.files, images.labels, images.patients, raw[split].scores, images.scores, strict=True)
        for file, label, patient, before, after in rows:
            called = classes[int(after >= threshold)]
            writer.writerow([file, classes[label], patient or "", repr(float(before)), repr(float(after)), called])
    return buffer.getvalue()
