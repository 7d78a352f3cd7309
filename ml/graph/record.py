"""Export a model: store its graph beside the artifact once it is proved, and record it."""

import csv
import hashlib
import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml import project
from ml.aws.s3 import split_uri
from ml.errors import UserError
from ml.graph import artifact, proof
from ml.scoring import labelled
from ml.training import runs

SPLIT = "validation/"
ANSWERS = "answers.csv"


def export(stage: str) -> str:
    """Store the graph of the stage's model, and write it to the run record and to cdk.context.json; return a sentence.

    Raises:
        UserError: the artifact holds no graph, the model was not evaluated, its data set is missing, the graph differs
            from the model, or a package for the export is not installed.
    """
    entry = project.read_model(stage)
    bucket, _ = split_uri(entry["artifact"])
    references = recorded_scores(stage, bucket, entry["training_job"])
    dataset = runs.dataset_of(bucket, entry)
    with tempfile.TemporaryDirectory() as name:
        try:
            graph, module = artifact.graph_of(entry["artifact"], Path(name))
            files = list(references[proof.BATCH_TRANSFORM])
            images = labelled.fetch(bucket, dataset, files)
            evidence = proof.prove(graph, images, references, module)
        except ImportError as error:
            raise UserError(
                f"The export needs the package {error.name}; run `pip install -r requirements.txt` and then "
                f"`python -m ml.export --stage {stage}`."
            ) from error
        content = graph.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    # An export with another version of PyTorch has other bytes. It must not replace the graph of a deployed function.
    stored = {"uri": runs.put(entry["artifact"], f"graph-{sha256[:16]}/{artifact.GRAPH}", content), "sha256": sha256}
    run = runs.find(bucket, entry["training_job"]) | {"graph": stored | {"proof": vars(evidence)}}
    runs.put(entry["artifact"], "run.json", json.dumps(run, indent=1).encode())
    path = project.write_model(stage, entry | {"graph": stored})
    return (
        f"Exported {stored['uri']} ({len(content) / 1e6:.1f} MB) and recorded it in {path.name}. Its probabilities "
        f"differ by {evidence}."
    )


def recorded_scores(stage: str, bucket: str, job: str) -> dict[str, Mapping[str, float]]:
    """Return the probabilities that are recorded for the validation images, by reference and file.

    predictions.csv has those of batch transform. answers.csv, if somebody put it beside the run record, has those of
    the framework itself. Its columns are `file` and the name of the framework. It matters where batch transform runs
    the same graph.

    Raises:
        UserError: the model was not evaluated, or answers.csv lacks a validation image.
    """
    table = runs.get(bucket, job, "predictions.csv")
    if table is None:
        raise UserError(
            f"Model {job} was not evaluated, so there are no scores to compare its graph with; run "
            f"`python -m ml.transform --stage {stage}`, which exports a model that it releases."
        )
    rows: Any = csv.DictReader(io.StringIO(table.decode()))
    scores = {row["file"]: float(row["model_probability"]) for row in rows if row["file"].startswith(SPLIT)}
    references: dict[str, Mapping[str, float]] = {proof.BATCH_TRANSFORM: scores}
    answers = runs.get(bucket, job, ANSWERS)
    if answers is not None:
        references |= framework_answers(answers.decode(), list(scores))
    return references


def framework_answers(table: str, files: Sequence[str]) -> dict[str, Mapping[str, float]]:
    """Return the answers of answers.csv by framework and file.

    Raises:
        UserError: the table has another form, or lacks a file.
    """
    try:
        (_, framework), *rows = csv.reader(io.StringIO(table))
        answers = {file: float(probability) for file, probability in rows}
    except ValueError as error:
        raise UserError(f"{ANSWERS} cannot be read ({error}); it needs the columns `file` and a framework.") from error
    missing = [file for file in files if file not in answers]
    if missing:
        raise UserError(f"{ANSWERS} has no answer of {framework} for {missing[0]} and {len(missing) - 1} more images.")
    return {framework: answers}
