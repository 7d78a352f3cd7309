"""`python -m ml.transform`: score validation and test by batch transform, choose the threshold, measure."""

import argparse
import json
import sys
from typing import Any

from ml import aws, batch, evaluation, project, scores, statistics
from ml.dataset import upload
from ml.errors import UserError, guarded
from ml.train import algorithm_image

EXAMPLES = """examples:
  python -m ml.transform
  python -m ml.transform --target-sensitivity 0.98 --instance-type ml.c5.2xlarge
"""
SHOWN = 10
NOTICE = "Not a medical device: these figures hold for this data set only."


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = parse(argv)
    return guarded(lambda: transform(options))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line; wrong usage ends with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.transform",
        description="Score the validation and test films of the stage's model by batch transform. The threshold is "
        "chosen on validation, and test is only measured with it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stage", help="deployment stage (default: the one in cdk.json)")
    parser.add_argument("--target-sensitivity", type=float, default=0.95, help="on validation (default %(default)s)")
    parser.add_argument("--instance-type", default="ml.m5.large", help="of the transform job (default %(default)s)")
    options = parser.parse_args(argv)
    if not 0 < options.target_sensitivity <= 1:
        parser.error(
            f"--target-sensitivity {options.target_sensitivity} is not allowed; it must be above 0, at most 1."
        )
    return options


def transform(options: argparse.Namespace) -> None:
    """Score, choose, measure, record."""
    stage = project.stage(options.stage)
    model = project.read_model(stage)
    outputs = aws.stack_outputs(stage, "Storage")
    bucket = outputs["DataBucketName"]
    dataset = upload.read_version(bucket, model["dataset"])
    image = algorithm_image(aws.region())
    with batch.temporary_model(model["artifact"], image, outputs["ExecutionRoleArn"], model["training_job"]) as name:
        splits = {split: score(split, name, bucket, dataset, options) for split in ("validation", "test")}
    validation, test = splits["validation"], splits["test"]
    threshold = statistics.threshold_for_sensitivity(validation.labels, validation.scores, options.target_sensitivity)
    source = (
        f"sensitivity of at least {options.target_sensitivity:g} on {len(validation.labels)} validation films "
        f"of {model['dataset']}"
    )
    found = evaluation.metrics(test, threshold)
    majority = evaluation.majority_share(test.labels)
    print(f"Threshold {threshold:.4f}: {source}.")
    print(f"Test films of {model['dataset']}:\n{evaluation.table(found, majority)}\n{NOTICE}")
    record(stage, model, bucket, {
        "training_job": model["training_job"],
        "dataset": model["dataset"],
        "threshold": threshold,
        "threshold_source": source,
        "test": evaluation.as_json(found | {"Majority class": majority}),
        "validation": evaluation.as_json(evaluation.metrics(validation, threshold)),
    })  # fmt: skip


def score(
    split: str, model: str, bucket: str, dataset: dict[str, Any], options: argparse.Namespace
) -> evaluation.Scored:
    """Transform one split and join the scores with its films.

    Raises:
        UserError: a film has no score, after naming those that have none.
    """
    films = [film for film in dataset["films"] if film["file"].startswith(f"{split}/")]
    print(f"Scoring {len(films)} {split} films ...", flush=True)
    prefix = f"s3://{bucket}/datasets/{dataset['name']}/{dataset['version']}/{split}/"
    outputs, reason = batch.run(model, prefix, f"s3://{bucket}/transform", options.instance_type)
    by_name = {film["file"].removeprefix(f"{split}/"): film["file"] for film in films}
    matched, missing = scores.match(by_name, outputs)
    probabilities = {}
    for name, text in matched.items():
        try:
            probabilities[by_name[name]] = scores.parse_output(text, len(dataset["classes"]))
        except ValueError as error:
            missing.append(f"{name} ({error})")
    if missing or reason:
        shown = "".join(f"\n  {name}" for name in missing[:SHOWN])
        raise UserError(
            f"{len(missing)} of {len(films)} {split} films have no score. {reason or ''}{shown}\n"
            "Nothing was recorded; mend the films and prepare the data set again, or run the command again."
        )
    return evaluation.scored(films, probabilities)


def record(stage: str, model: dict[str, Any], bucket: str, found: dict[str, Any]) -> None:
    """Upload metrics.json beside the artifact, and put threshold and metrics into the stage's model."""
    key = model["artifact"].removeprefix(f"s3://{bucket}/").replace("output/model.tar.gz", "metrics.json")
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(found, indent=2).encode())
    changes = {
        "threshold": found["threshold"],
        "threshold_source": found["threshold_source"],
        "metrics": found["test"],
    }
    path = project.write_model(stage, model | changes)
    print(f"Metrics s3://{bucket}/{key}\nThreshold and metrics of stage {stage} written to {path.name}.")


if __name__ == "__main__":
    sys.exit(main())
