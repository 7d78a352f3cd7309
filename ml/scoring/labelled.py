"""Score the splits of a data set by batch transform, in one job that can be followed again."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ml.aws import clients, errors
from ml.errors import UserError
from ml.evaluation.evaluate import SPLITS
from ml.scoring import output_files, transform_job
from ml.scoring.scorer import Confirm, Scorer

Found = TypeVar("Found")
MOST_MISSING = 0.01
"""Part of a split's images that may lack a score; more would change what is measured."""
SHOWN = 10


def split_probabilities(
    scorer: Scorer, dataset: Mapping[str, Any], confirm: Confirm, attached: str | None = None
) -> tuple[dict[str, float], dict[str, str]]:
    """Score the images of all splits in one job, and those without an output once more in a second one.

    Both jobs write below the output prefix of the first: `attached` may be either of them.

    Args:
        confirm: called before the first job that is created here.
        attached: a job to follow instead of a new one.

    Returns:
        probability of pneumonia by file, and for each file without one the reason.

    Raises:
        UserError: the job was stopped, scored nothing, is of another model, or can no longer be followed; or more
            than 1 % of a split has no score.
    """
    names = [image["file"] for image in dataset["images"] if image["file"].split("/")[0] in SPLITS]
    prefix = f"s3://{scorer.place.bucket}/datasets/{dataset['name']}/{dataset['version']}/"
    job = attached or scorer.new_job()
    target = output_of(job, scorer) if attached else scorer.target(job)
    if not attached:
        confirm(len(names))
        send(scorer, job, prefix, names, target)
    outputs, end = follow(scorer, job, target, len(names))
    if left := output_files.match(names, outputs, prefix)[1]:
        if attached:
            confirm(len(left))
        elif end == "Stopped" or len(left) == len(names):
            scored = f"{len(names) - len(left):,} of {len(names):,} images"
            raise UserError(f"Transform job {job} scored {scored}: {end}. Nothing was recorded. {again(scorer, job)}")
        print(f"{len(left):,} of {len(names):,} images have no output and are sent once more.", flush=True)
        job = scorer.new_job()
        send(scorer, job, prefix, left, target)
        outputs, end = follow(scorer, job, target, len(names))
    found, missing = read_outputs(names, outputs, prefix, len(dataset["classes"]), end)
    check_missing(names, missing, again(scorer, job))
    return found, missing


def output_of(job: str, scorer: Scorer) -> str:
    """Return the output prefix of a job that scores this model.

    Raises:
        UserError: there is no such job, or it scores another model, or no data set.
    """
    sagemaker = clients.client("sagemaker")
    description = clients.description(
        lambda: sagemaker.describe_transform_job(TransformJobName=job),
        f"transform job {job}",
        transform_job.POLL_SECONDS,
    )
    target = str(description["TransformOutput"]["S3OutputPath"])
    kind = description["TransformInput"]["DataSource"]["S3DataSource"]["S3DataType"]
    if kind != "ManifestFile" or not target.startswith(scorer.target("")):
        raise UserError(
            f"--attach {job}: this job writes to {target}, and an evaluation of the model in cdk.context.json writes "
            f"below {scorer.target('')}. Give a job of that model, or take the other one with "
            "`python -m ml.train --use JOB`.",
            2,
        )
    return target


def send(scorer: Scorer, job: str, prefix: str, names: Sequence[str], target: str) -> None:
    """Create a job over images, given by their path below a prefix, and say how to follow it."""
    key = f"{transform_job.INPUTS}/{job}.manifest"
    body = json.dumps([{"prefix": prefix}, *names]).encode()
    clients.client("s3").put_object(Bucket=scorer.place.bucket, Key=key, Body=body, ContentType="application/json")
    source = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{scorer.place.bucket}/{key}"}
    transform_job.create(scorer, job, source, target)
    print(
        f"Transform job {job} scores {len(names):,} images; follow it from elsewhere with --attach {job}.", flush=True
    )


def follow(scorer: Scorer, job: str, target: str, total: int) -> tuple[dict[str, str], str]:
    """Wait for a job's end; return the outputs by path, and the reason of its failure or else its status.

    Raises:
        UserError: it cannot be followed any more, or its outputs cannot be read.
    """
    with errors.advising(errors.still_billed("Transform job", job, scorer.command)):
        description = transform_job.wait(job, target, total)
    with errors.advising(f"Transform job {job} has ended; `{scorer.command} --attach {job}` takes its scores."):
        outputs = transform_job.read_outputs(target)
    return outputs, str(description.get("FailureReason") or description["TransformJobStatus"])


def read_outputs(
    names: Sequence[str], outputs: Mapping[str, str], prefix: str, classes: int, reason: str | None
) -> tuple[dict[str, float], dict[str, str]]:
    """Return the probability of pneumonia by name, and why a name has none.

    Args:
        names: paths below `prefix`, the job's input.
        outputs: text by path below the job's output prefix.
        reason: how the job ended, in SageMaker's words.
    """
    matched, unmatched = output_files.match(names, outputs, prefix)
    found, missing = {}, dict.fromkeys(unmatched, f"no output ({reason})" if reason else "no output")
    for name, text in matched.items():
        try:
            found[name] = output_files.parse_output(text, classes)[1]
        except ValueError as error:
            missing[name] = str(error)
    return found, missing


def check_missing(names: Sequence[str], missing: Mapping[str, str], advice: str) -> None:
    """Check that so few images lack a score that the rest stands for each split; `advice` ends the error's sentence.

    Raises:
        UserError: more than 1 % of a split has none.
    """
    for split in SPLITS:
        total = sum(name.startswith(f"{split}/") for name in names)
        without = sum(name.startswith(f"{split}/") for name in missing)
        if without > MOST_MISSING * total:
            raise UserError(
                f"{without} of {total} {split} images have no score; at most {MOST_MISSING:.0%} may be left out. "
                f"Nothing was recorded.{listed(missing)}\nRepair these images and prepare the data set again. "
                f"{advice}"
            )


def again(scorer: Scorer, job: str) -> str:
    """Return how to send what a job did not score."""
    return f"To send the images without an output once more: `{scorer.command} --attach {job}`."


def listed(missing: Mapping[str, str]) -> str:
    """Return a line for each image without a score; of many, for the first ten."""
    lines = [f"\n  {name}: {why}" for name, why in list(missing.items())[:SHOWN]]
    return "".join(lines) + (f"\n  and {len(missing) - SHOWN} more" if len(missing) > SHOWN else "")


def fetch(bucket: str, dataset: Mapping[str, Any], files: Sequence[str]) -> dict[str, bytes]:
    """Return objects of a data set by their file."""
    prefix = f"datasets/{dataset['name']}/{dataset['version']}"
    return dict(zip(files, over(bucket, [f"{prefix}/{file}" for file in files], bytes), strict=True))


def over(bucket: str, keys: Sequence[str], function: Callable[[bytes], Found]) -> list[Found]:
    """Return what a function makes of each object, in the order of the keys; eight are read at a time."""
    s3 = clients.client("s3")

    def one(key: str) -> Found:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return function(body)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, keys))
