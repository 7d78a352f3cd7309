"""Score the images of a folder or an S3 prefix, without labels; an interrupted run continues where it stopped."""

import csv
import hashlib
import io
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ml import atomic
from ml.aws import clients, errors
from ml.aws.s3 import split_uri
from ml.errors import UserError
from ml.evaluation.calibration import LogitCalibration
from ml.scoring import input_images, output_files, transform_job
from ml.scoring.input_images import InputImage
from ml.scoring.labelled import parse_outputs
from ml.scoring.scorer import BatchScorer, Confirm

COLUMNS = ("file", "label", "probability", "threshold", "error", "model_gate")


@dataclass(frozen=True)
class ScoredImages:
    """Images with the model's scores.

    Attributes:
        prefix: URI of their standardised copies, which ends in a slash.
        names: the user's name of each image (path or URI), by the name of its copy.
        scores: the model's own probability of pneumonia, by the name of the copy.
        faults: the reason for each image without a score, by the user's name.
    """

    prefix: str
    names: Mapping[str, str]
    scores: Mapping[str, float]
    faults: Mapping[str, str]


def score(source: str, target: Path, scorer: BatchScorer, entry: Mapping[str, Any], confirm: Confirm) -> int:
    """Score every image of a folder or an S3 prefix into `target`; return how many have no score.

    Args:
        entry: the model's entry in cdk.context.json.
        confirm: called before anything is uploaded or created.

    Raises:
        UserError: the source holds no image that can be scored, or the target's folder does not exist or is inside the
            source.
    """
    if not target.resolve().parent.is_dir():
        raise UserError(f"--output {target}: the folder {target.resolve().parent} does not exist; make it first.", 2)
    input_images.refuse_output(source, target)
    with scored(source, scorer, entry, confirm) as images:
        scores = {images.names[copy]: probability for copy, probability in images.scores.items()}
        atomic.write(target, table(scores, images.faults, entry))
    return len(images.faults)


@contextmanager
def scored(source: str, scorer: BatchScorer, entry: Mapping[str, Any], confirm: Confirm) -> Iterator[ScoredImages]:
    """Provide the scores of the images; their copies and outputs stay in the bucket for the block.

    They are named by model, source and image: if this call is interrupted, the next one uploads and scores only what
    is missing. They are deleted after the block, except when a copy has no output.

    Raises:
        UserError: no image can be scored, the job was stopped, or it cannot be followed.
    """
    source = source if input_images.is_s3(source) else str(Path(source).resolve())
    images = {image.copy_name(entry["resize_mode"]): image for image in input_images.list_images(source)}
    batch = batch_name(source, scorer)
    prefix = f"s3://{scorer.resources.bucket}/{transform_job.INPUTS}/{batch}/"
    outputs, end = transform_job.follow_running(scorer, batch, scorer.target(batch), len(images))
    rejects: dict[str, str] = {}
    if remaining := {copy: images[copy] for copy in unscored(images, outputs)}:
        announce(source, remaining.values(), prefix)
        confirm(len(remaining))
        with errors.advising("Run the same command again to continue; what is uploaded stays for a day."):
            rejects = input_images.upload_copies(source, remaining, prefix, entry["resize_mode"])
        if copies := [copy for copy in remaining if copy not in rejects]:
            outputs, end = score_copies(scorer, batch, prefix, copies, len(images))
    usable = [copy for copy in images if copy not in rejects]
    outputs = {path: text for path, text in outputs.items() if copy_of(path) in images}
    scores, missing = parse_outputs(usable, outputs, prefix, len(entry["classes"]), end)
    names = {copy: image.name for copy, image in images.items()}
    faults = {names[copy]: reason for copy, reason in (rejects | missing).items()}
    check_scored(source, scores, missing, faults, end)
    yield ScoredImages(prefix, names, scores, faults)
    if not unscored(usable, outputs):
        remove(prefix)
        remove(f"{scorer.target(batch)}/")


def batch_name(source: str, scorer: BatchScorer) -> str:
    """Return the name of a source's copies and outputs, which differs between sources and models."""
    text = f"{scorer.training_job}\0{source}"
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:10]


def announce(source: str, images: Collection[InputImage], prefix: str) -> None:
    """Print what happens to the images before they are scored."""
    size = sum(image.size for image in images) / 1e9
    copied = "standardised on this machine"
    if input_images.is_s3(source):
        copied = f"downloaded (S3 charges data that leaves its region), {copied}"
    print(f"{len(images):,} images of {source} ({size:.2f} GB) are {copied} and stored below {prefix}.")


def score_copies(
    scorer: BatchScorer, batch: str, prefix: str, copies: Sequence[str], total: int
) -> tuple[dict[str, str], str]:
    """Score copies in a new job; return the outputs of the batch by path, and how the job ended."""
    job = scorer.new_job(batch)
    transform_job.send(scorer, job, prefix, copies, scorer.target(batch))
    print(f"Transform job {job} scores {len(copies):,} images.", flush=True)
    return transform_job.follow(scorer, job, scorer.target(batch), total, attach=False)


def unscored(copies: Collection[str], outputs: Mapping[str, str]) -> list[str]:
    """Return the copies without an output."""
    scored = {copy_of(path) for path in outputs}
    return [copy for copy in copies if copy not in scored]


def copy_of(path: str) -> str:
    """Return the copy that an output is of."""
    return path.rpartition("/")[2].removesuffix(output_files.SUFFIX)


def check_scored(
    source: str, scores: Mapping[str, float], missing: Mapping[str, str], faults: Mapping[str, str], end: str | None
) -> None:
    """Check that a job was not stopped and scored at least one image.

    Raises:
        UserError: it was, or there is no score.
    """
    if missing and end == "Stopped":
        raise UserError(
            f"The transform job was stopped; run the command again to score the other {len(missing):,} images."
        )
    if not scores:
        reasons = "".join(f"\n  {file}: {reason}" for file, reason in list(faults.items())[:5])
        raise UserError(f"--input {source} holds no image that could be scored.{reasons}")
    if missing and end not in (None, "Completed"):
        print(f"The transform job failed: {end}. Run the command again to send what has no score.", file=sys.stderr)


def remove(prefix: str) -> None:
    """Delete every object below a prefix, with all its versions."""
    bucket, key = split_uri(prefix)
    clients.session().resource("s3").Bucket(bucket).object_versions.filter(Prefix=key).delete()


def gate_warning(entry: Mapping[str, Any]) -> str:
    """Return a warning about a model that did not pass the release gate; "" if it did."""
    if entry["gate"] == "passed":
        return ""
    reason = "it missed the gate and was released by force" if entry["gate"] == "forced" else entry["gate"]
    return (
        f"Warning: model {entry['training_job']} did not pass the release gate: {reason.rstrip('.')}. Its threshold is "
        f"{entry['threshold']:g}."
    )


def table(scores: Mapping[str, float], faults: Mapping[str, str], entry: Mapping[str, Any]) -> str:
    """Return file, label, calibrated probability, threshold, error and the model's gate as CSV, by file."""
    calibration = LogitCalibration.of(**entry["calibration"])
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for file in sorted({*scores, *faults}):
        if file in scores:
            probability = float(calibration.apply(np.array([scores[file]]))[0])
            label = entry["classes"][int(probability >= entry["threshold"])]
            writer.writerow([file, label, repr(probability), repr(entry["threshold"]), "", entry["gate"]])
        else:
            writer.writerow([file, "", "", "", faults[file], entry["gate"]])
    return buffer.getvalue()
