"""`python -m ml.transform`: score by batch transform, choose threshold and calibration, measure, judge, report."""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml import project
from ml.cli import run_command
from ml.dataset import upload
from ml.errors import UserError
from ml.evaluation import calibration, release_gate, store
from ml.evaluation.evaluate import SPLITS, EvaluationOptions, evaluate
from ml.evaluation.scored_split import ScoredSplit, scored
from ml.leasing.extend import renew
from ml.leasing.status import status
from ml.scoring import labelled, transform_job, unlabelled
from ml.scoring.scorer import INSTANCE_TYPE, confirmation, scorer_of
from ml.training import runs

EXAMPLES = """examples:
  python -m ml.transform
  python -m ml.transform --target-sensitivity 0.98 --min-specificity 0.9
  python -m ml.transform --attach JOB                     go on after Ctrl-C or with new credentials
  python -m ml.transform --input ~/images --output scores.csv      any images, without labels
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = parse(argv)
    return run_command(lambda: transform(options))


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line; wrong usage ends with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.transform",
        description="Score the validation, perturbed validation and test images with the stage's model, in one batch "
        "transform job. Ctrl-C leaves the job running. "
        "Threshold and calibration are chosen on validation; test is only measured. A model that passes the gate is "
        "released for `cdk deploy`.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stage", help="deployment stage (default: the one in cdk.json)")
    parser.add_argument("--yes", action="store_true", help="do not ask before a job is created")
    parser.add_argument(
        "--prices", type=Path, metavar="FILE", help="another price table (default ml/training/prices.json)"
    )
    parser.add_argument("--instance-type", default=INSTANCE_TYPE, help="of the transform job (default %(default)s)")
    instead = parser.add_argument_group("a job that was started before").add_mutually_exclusive_group()
    instead.add_argument(
        "--attach",
        metavar="JOB",
        help="follow it, take the scores that it has, and send only the images without one in one more job",
    )
    instead.add_argument("--stop", metavar="JOB", help="stop it")
    default = EvaluationOptions()
    group = parser.add_argument_group("measuring").add_argument
    group("--target-sensitivity", type=fraction, default=default.target_sensitivity, metavar="X",
          help="on validation (default %(default)s)")  # fmt: skip
    group("--calibrate", choices=calibration.METHODS, default=default.calibration,
          help="kept only where the perturbed validation agrees (default %(default)s)")  # fmt: skip
    group("--prevalence", type=fraction, default=default.prevalence, metavar="X",
          help="for which predictive values are given (default %(default)s)")  # fmt: skip
    group("--seed", type=int, default=default.seed, help="of the bootstrap (default %(default)s)")
    group = parser.add_argument_group("gate", "minimums of the lower ends of the 95 %% intervals on test").add_argument
    for name, minimum in release_gate.MINIMUMS.items():
        group(f"--min-{name.lower()}", type=number, default=minimum, metavar="X", help="default %(default)s")
    group("--force", action="store_true", help="release a model that missed the gate; its card says so")
    group = parser.add_argument_group("any images", "score without labels; the model in context stays").add_argument
    group("--input", metavar="S3_OR_FOLDER", help="a folder of images, or an s3:// prefix")
    group("--output", type=Path, metavar="FILE.csv", help="where their scores go")
    options = parser.parse_args(argv)
    if (options.input is None) != (options.output is None):
        parser.error("--input and --output belong together: give both, or neither.")
    if options.input is not None and options.attach:
        parser.error("--attach follows an evaluation; start --input again instead.")
    return options


def number(text: str) -> float:
    """Parse a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; give a number from 0 to 1.")
    return value


def fraction(text: str) -> float:
    """Parse a number above 0 and below 1."""
    value = number(text)
    if value in (0, 1):
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; give a number above 0 and below 1.")
    return value


def transform(options: argparse.Namespace) -> None:
    """Score, choose, measure, judge, report; with --input only score."""
    if options.stop:
        status = transform_job.stop(options.stop)
        ended = f"had ended before: {status}" if status in transform_job.ENDED else "is being stopped"
        print(f"Transform job {options.stop} {ended}.")
        return
    confirm = confirmation(options.instance_type, options.prices, options.yes)
    stage = project.stage(options.stage)
    entry = project.read_model(stage)
    scorer = scorer_of(stage, entry, options.instance_type)
    bucket = scorer.place.bucket
    if options.input is not None:
        without = unlabelled.score(options.input, options.output, scorer, entry, confirm)
        print(f"Scores written to {options.output}. {store.NOTICE}")
        if without:
            raise UserError(f"{without} files have no score; the column `error` of {options.output} says why.")
        return
    dataset = upload.read_version(bucket, entry["dataset"])
    probabilities, missing = labelled.split_probabilities(scorer, dataset, confirm, options.attach)
    raw = splits(dataset, probabilities)
    baseline = store.read_baseline(bucket, dataset)
    previous = runs.previous(bucket, entry["dataset"], entry["training_job"])
    found = evaluate(raw, baseline, previous, choices(options), dataset["collection"])
    found = replace(found, metrics=found.metrics | {"missing": missing})
    store.print_summary(found, entry["dataset"])
    facts = store.save(entry, found, raw, dataset, options.force)
    release(stage, bucket, facts)


def splits(dataset: Mapping[str, Any], probabilities: Mapping[str, float]) -> dict[str, ScoredSplit]:
    """Return the images of the three splits with the model's probabilities.

    Raises:
        UserError: the images of a split that have a score are not of both classes.
    """
    raw = {}
    for split in SPLITS:
        images = [image for image in dataset["images"] if image["file"].startswith(f"{split}/")]
        raw[split] = scored(images, probabilities)
        if len({*raw[split].labels.tolist()}) < len(dataset["classes"]):
            raise UserError(
                f"The {split} images that have a score are not of both classes ({', '.join(dataset['classes'])}); "
                "nothing was recorded. Prepare the data set again with more images."
            )
    return raw


def choices(options: argparse.Namespace) -> EvaluationOptions:
    """Return what was chosen on the command line."""
    minimums = {name: getattr(options, f"min_{name.lower()}") for name in release_gate.MINIMUMS}
    return EvaluationOptions(options.target_sensitivity, options.calibrate, options.prevalence, minimums, options.seed)


def release(stage: str, bucket: str, facts: dict[str, Any]) -> None:
    """Write the evaluated model into context.

    Raises:
        UserError: it missed the gate and was not forced; it is written all the same, as not deployable.
    """
    path = project.write_model(stage, runs.model_entry(runs.find(bucket, facts["training_job"]), facts))
    if facts["gate"]["passed"] or facts["forced"]:
        print(f"Model of stage {stage} released for deployment{' by force' if facts['forced'] else ''} in {path.name}.")
        if hours := project.settings(stage).get("lease_hours"):
            told = renew(stage, int(hours))
            print(told or status(stage))
        return
    raise UserError(
        f"The model missed the gate: {facts['gate']['sentence']}. {path.name} has it as not deployable. Train again, "
        "take an older run with `python -m ml.train --use JOB`, or release it with --force."
    )


if __name__ == "__main__":
    sys.exit(main())
