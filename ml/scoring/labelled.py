"""Score the images of a data set by batch transform, in one job that can be followed again."""

from collections.abc import Mapping, Sequence
from typing import Any

from ml.aws import clients
from ml.aws.s3 import Bucket
from ml.errors import UserError
from ml.scoring import output_files, transform_job
from ml.scoring.scorer import BatchScorer, Confirm

MAX_MISSING = 0.01
"""Fraction of a split's images that may lack a score; more would distort the metrics."""
SHOWN = 10
Splits = Mapping[str, Sequence[Mapping[str, Any]]]
"""Images as in dataset.json, by the name of what is measured on them together."""


def split_probabilities(
    scorer: BatchScorer, dataset: Mapping[str, Any], splits: Splits, confirm: Confirm, attached: str | None = None
) -> tuple[dict[str, float], dict[str, str]]:
    """Score the images of all splits in one job, and those without an output once more in a second one.

    Both jobs write below the output prefix of the first: `attached` may be either of them.

    Args:
        splits: the images of the data set to score.
        confirm: called before the first job that is created here.
        attached: a job to follow instead of a new one.

    Returns:
        probability of pneumonia by file, and for each file without one the reason.

    Raises:
        UserError: the job was stopped, scored nothing, is of another model or data set, or can no longer be followed;
            or more than 1 % of a split has no score.
    """
    names = [image["file"] for images in splits.values() for image in images]
    prefix = f"s3://{scorer.resources.bucket}/datasets/{dataset['name']}/{dataset['version']}/"
    job = attached or scorer.new_job()
    target = output_of(job, scorer, dataset) if attached else new_output(job, scorer, dataset)
    if not attached:
        confirm(len(names))
        send(scorer, job, prefix, names, target)
    outputs, end = transform_job.follow(scorer, job, target, len(names))
    if remaining := output_files.match(names, outputs, prefix)[1]:
        if attached:
            confirm(len(remaining))
        elif end == "Stopped" or len(remaining) == len(names):
            scored = f"{len(names) - len(remaining):,} of {len(names):,} images"
            raise UserError(
                f"Transform job {job} scored {scored}: {end}. Nothing was recorded. {retry_advice(scorer, job)}"
            )
        print(f"{len(remaining):,} of {len(names):,} images have no output and are sent once more.", flush=True)
        job = scorer.new_job()
        send(scorer, job, prefix, remaining, target)
        outputs, end = transform_job.follow(scorer, job, target, len(names))
    scores, missing = parse_outputs(names, outputs, prefix, len(dataset["classes"]), end)
    check_missing(splits, missing, retry_advice(scorer, job))
    return scores, missing


def new_output(job: str, scorer: BatchScorer, dataset: Mapping[str, Any]) -> str:
    """Return the output prefix of a new job over a data set."""
    return f"{scorer.target(dataset['name'])}/{dataset['version']}/{job}"


def output_of(job: str, scorer: BatchScorer, dataset: Mapping[str, Any]) -> str:
    """Return the output prefix of a job that scores this data set with this model.

    Raises:
        UserError: the job does not exist, or does not score this data set with this model.
    """
    sagemaker = clients.client("sagemaker")
    description = clients.description(
        lambda: sagemaker.describe_transform_job(TransformJobName=job),
        f"transform job {job}",
        transform_job.POLL_SECONDS,
    )
    target = str(description["TransformOutput"]["S3OutputPath"])
    expected = new_output("", scorer, dataset)
    if f"{target.rpartition('/')[0]}/" != expected:
        raise UserError(
            f"--attach {job}: this job writes to {target}, but a job over {dataset['name']}/{dataset['version']} with "
            f"the model in cdk.context.json writes below {expected}. Give such a job or the --external of this job, or "
            "use the other model with `python -m ml.train --use JOB`.",
            2,
        )
    return target


def send(scorer: BatchScorer, job: str, prefix: str, names: Sequence[str], target: str) -> None:
    """Create a job over images, given by their paths below a prefix, and print how to follow it."""
    transform_job.send(scorer, job, prefix, names, target)
    print(
        f"Transform job {job} scores {len(names):,} images; `{scorer.command} --attach {job}` follows it again.",
        flush=True,
    )


def parse_outputs(
    names: Sequence[str], outputs: Mapping[str, str], prefix: str, classes: int, reason: str | None
) -> tuple[dict[str, float], dict[str, str]]:
    """Return the probability of pneumonia by name, and why a name has none.

    Args:
        names: paths below `prefix`, the job's input.
        outputs: text by path below the job's output prefix.
        reason: how the job ended, in SageMaker's words.
    """
    matched, unmatched = output_files.match(names, outputs, prefix)
    scores, missing = {}, dict.fromkeys(unmatched, f"no output ({reason})" if reason else "no output")
    for name, text in matched.items():
        try:
            scores[name] = output_files.parse_output(text, classes)[1]
        except ValueError as error:
            missing[name] = str(error)
    return scores, missing


def check_missing(splits: Splits, missing: Mapping[str, str], advice: str) -> None:
    """Check how many images lack a score; `advice` ends the error message.

    Raises:
        UserError: more than 1 % of a split has no score.
    """
    for split, images in splits.items():
        without = sum(image["file"] in missing for image in images)
        if without > MAX_MISSING * len(images):
            raise UserError(
                f"{without} of {len(images)} {split} images have no score; at most {MAX_MISSING:.0%} may be left out. "
                f"Nothing was recorded.{listed(missing)}\nRepair these images and prepare the data set again. "
                f"{advice}"
            )


def retry_advice(scorer: BatchScorer, job: str) -> str:
    """Return how to send the images that a job did not score."""
    return f"To send the images without an output once more: `{scorer.command} --attach {job}`."


def listed(missing: Mapping[str, str]) -> str:
    """Return a line for each image without a score; of many, for the first ten."""
    lines = [f"\n  {name}: {reason}" for name, reason in list(missing.items())[:SHOWN]]
    return "".join(lines) + (f"\n  and {len(missing) - SHOWN} more" if len(missing) > SHOWN else "")


def fetch(bucket: str, dataset: Mapping[str, Any], files: Sequence[str]) -> dict[str, bytes]:
    """Return objects of a data set by their file."""
    prefix = f"datasets/{dataset['name']}/{dataset['version']}"
    bodies = Bucket(bucket).map(bytes, [f"{prefix}/{file}" for file in files])
    return dict(zip(files, bodies, strict=True))
