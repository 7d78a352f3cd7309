"""`python -m ml.transform`: score by batch transform, choose threshold and calibration, measure, judge, report."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import botocore.exceptions
import typer

from ml import cli, options, project
from ml.aws import errors
from ml.dataset import upload
from ml.drift import reference
from ml.errors import UserError
from ml.evaluation import external_validation, store
from ml.evaluation.evaluate import SPLITS, EvaluationOptions, evaluate
from ml.evaluation.release_gate import MINIMUMS
from ml.evaluation.scored_split import ScoredSplit, scored
from ml.graph import record
from ml.leasing.extend import renew_for_deployment
from ml.model_registry.registration import register_model
from ml.scoring import labelled, transform_job, unlabelled
from ml.scoring.scorer import INSTANCE_TYPE, BatchScorer, Confirm, confirmation, scorer_of
from ml.training import runs

EXAMPLES = """
  python -m ml.transform
  python -m ml.transform --target-sensitivity 0.98 --min-specificity 0.9
  python -m ml.transform --external hospital/0123abcd            the same model on another population
  python -m ml.transform --attach JOB                            continue after Ctrl-C or with new credentials
  python -m ml.transform --input ~/images --output scores.csv    any images, without labels
  python -m ml.transform --input s3://hospital/ward --output scores.csv
"""
DEFAULTS = EvaluationOptions()
app = cli.application()


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return cli.run(app, "ml.transform", argv)


def minimum_option(metric: str) -> Any:
    """Return the option for the release gate's minimum of a metric."""
    return typer.Option(min=0, max=1, help=f"Gate: minimum of the lower 95 % bound of {metric} on test.")


@app.command(epilog=cli.examples(EXAMPLES))
def transform(  # noqa: PLR0913 - one parameter for each option
    *,
    stage: cli.Stage,
    yes: options.Yes = False,
    price_table: options.Prices = None,
    instances: Annotated[
        int, typer.Option(min=1, max=100, help="Number of instances, among which the images are divided.")
    ] = 1,
    instance_type: options.TransformInstanceType = INSTANCE_TYPE,
    attach: Annotated[
        str | None,
        options.job_option("Follow a job, use its scores, and score only the images without one in another job."),
    ] = None,
    stop: Annotated[str | None, options.job_option("Stop a running job.")] = None,
    target_sensitivity: Annotated[
        float, options.fraction_option("Sensitivity on validation that the threshold has to reach.")
    ] = DEFAULTS.target_sensitivity,
    calibrate: Annotated[
        Literal["none", "temperature", "platt"],
        typer.Option(help="Calibration; applied only if it also improves the perturbed validation."),
    ] = "temperature",
    prevalence: Annotated[
        float, options.fraction_option("Prevalence for the predictive values.")
    ] = DEFAULTS.prevalence,
    seed: options.Seed = DEFAULTS.seed,
    min_auroc: Annotated[float, minimum_option("AUROC")] = MINIMUMS["AUROC"],
    min_sensitivity: Annotated[float, minimum_option("sensitivity")] = MINIMUMS["Sensitivity"],
    min_specificity: Annotated[float, minimum_option("specificity")] = MINIMUMS["Specificity"],
    force: Annotated[
        bool, typer.Option("--force", help="Release a model that missed the gate; its card records it.")
    ] = False,
    external: Annotated[
        str | None,
        typer.Option(
            parser=options.dataset_name,
            metavar="NAME/VERSION",
            help="Measure a data set of another population; threshold, calibration and release stay unchanged.",
        ),
    ] = None,
    source: options.Input = None,
    output: Annotated[Path | None, options.output_option("CSV file for the scores of --input.", "FILE.csv")] = None,
) -> None:
    """Score the validation, perturbed validation and test images with the stage's model, in one batch transform job.

    Chooses threshold and calibration on validation; test only measures. A model that passes the gate is released for
    `cdk deploy`. Ctrl-C leaves the job running. With --external, measures the model on all images of another data set;
    the result is recorded beside the evaluation. With --input, scores images without labels and releases nothing: your
    credentials read them, and copies that are standardised like training images are scored.
    """
    cli.refuse_together(attach=attach, stop=stop, input=source)
    cli.refuse_together(external=external, input=source)
    if (source is None) != (output is None):
        given, missing = ("--input", "--output") if output is None else ("--output", "--input")
        raise UserError(f"{given} needs {missing}: give both, or neither.", 2)
    if stop:
        state = transform_job.stop(stop)
        outcome = f"had ended before: {state}" if state in transform_job.ENDED else "is being stopped"
        print(f"Transform job {stop} {outcome}.")
        return
    minimums = {"AUROC": min_auroc, "Sensitivity": min_sensitivity, "Specificity": min_specificity}
    choices = EvaluationOptions(target_sensitivity, calibrate, prevalence, minimums, seed)
    if external is not None and (force or choices != replace(DEFAULTS, seed=seed)):
        raise UserError(
            f"--external {external} takes threshold, calibration and prevalence from the model's evaluation and "
            "releases nothing; leave out --target-sensitivity, --calibrate, --prevalence, --min-* and --force.",
            2,
        )
    entry = project.read_model(stage)
    confirm = confirmation(entry, instance_type, price_table, yes, instances)
    scorer = replace(scorer_of(stage, entry, instance_type, instances), external=external)
    if source is not None and output is not None:
        score_unlabelled(scorer, entry, source, output, confirm)
    elif external is not None:
        measure_external(scorer, entry, attach, external, seed, confirm)
    else:
        measure(scorer, entry, attach, choices, force, confirm)


def score_unlabelled(
    scorer: BatchScorer, entry: Mapping[str, Any], source: str, target: Path, confirm: Confirm
) -> None:
    """Score images without labels into a CSV file.

    Raises:
        UserError: some images have no score.
    """
    if warning := unlabelled.gate_warning(entry):
        print(warning, flush=True)
    failures = unlabelled.score(source, target, scorer, entry, confirm)
    print(" ".join(filter(None, [f"Scores written to {target}.", warning, store.NOTICE])))
    if failures:
        raise UserError(f"{failures} files have no score; the column `error` of {target} says why.")


def measure(
    scorer: BatchScorer,
    entry: Mapping[str, Any],
    attach: str | None,
    choices: EvaluationOptions,
    force: bool,
    confirm: Confirm,
) -> None:
    """Score the data set's images, evaluate the model, store the evaluation, and release the model."""
    bucket = scorer.resources.bucket
    dataset = runs.dataset_of(bucket, entry)
    images = {
        split: [image for image in dataset["images"] if image["file"].startswith(f"{split}/")] for split in SPLITS
    }
    probabilities, missing = labelled.split_probabilities(scorer, dataset, images, confirm, attach)
    raw = scored_splits(images, probabilities, dataset["classes"])
    baseline = store.read_baseline(bucket, dataset)
    previous = runs.previous(bucket, entry["dataset"], entry["training_job"])
    evaluation = evaluate(raw, baseline, previous, choices, dataset["collection"])
    evaluation = replace(evaluation, metrics=evaluation.metrics | {"missing": missing})
    store.print_summary(evaluation, entry["dataset"])
    reference.store(entry, raw["validation"])
    release(scorer.stage, bucket, store.save(entry, evaluation, raw, dataset, force))


def measure_external(
    scorer: BatchScorer, entry: Mapping[str, Any], attach: str | None, name: str, seed: int, confirm: Confirm
) -> None:
    """Score all images of another data set, measure the model on them, and store the result beside its evaluation."""
    evaluation = store.read_evaluation(entry)
    bucket = scorer.resources.bucket
    own, dataset = runs.dataset_of(bucket, entry), upload.read_version(bucket, name)
    images = {"external": external_validation.images_of(dataset, own)}
    probabilities, missing = labelled.split_probabilities(scorer, dataset, images, confirm, attach)
    raw = scored_splits(images, probabilities, dataset["classes"])
    calibrated, estimates = external_validation.measure(raw["external"], evaluation, seed)
    store.print_external(name, evaluation, estimates, missing)
    table = store.predictions(raw, {"external": calibrated}, evaluation["threshold"], dataset["classes"])
    record = external_validation.record(dataset, calibrated, estimates, missing)
    store.save_external(evaluation, name, record, table, own)


def scored_splits(
    splits: labelled.Splits, probabilities: Mapping[str, float], classes: Sequence[str]
) -> dict[str, ScoredSplit]:
    """Return the images of each split with the model's probabilities.

    Raises:
        UserError: a split has no scored image of a class.
    """
    raw = {}
    for split, images in splits.items():
        raw[split] = scored(images, probabilities)
        if len({*raw[split].labels.tolist()}) < len(classes):
            raise UserError(
                f"The scored {split} images do not have all classes ({', '.join(classes)}). Nothing was "
                "recorded. Prepare the data set again with more images."
            )
    return raw


def release(stage: str, bucket: str, metrics: dict[str, Any]) -> None:
    """Write the evaluated model into cdk.context.json, export its graph, and register it as a version of the stage.

    An endpoint does not need a graph, and no deployment needs a version.

    Raises:
        UserError: it missed the gate and is not forced, and is written as not deployable; or hosting=function has no
            graph.
    """
    path = project.write_model(stage, runs.model_entry(runs.find(bucket, metrics["training_job"]), metrics))
    if metrics["gate"]["passed"] or metrics["forced"]:
        print(
            f"Model of stage {stage} released for deployment{' by force' if metrics['forced'] else ''} in {path.name}."
        )
        if lease := renew_for_deployment(stage):
            print(lease)
        try:
            print(record.export(stage))
        except UserError as error:
            if project.settings(stage).get("hosting") == "function":
                raise
            print(f"No graph for hosting=function: {error}")
        try:
            print(register_model(stage))
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            print(
                f"The model has no version in Model Registry: {errors.explain(error)} It is released, and you can "
                f"deploy it. To promote it later, register it with `python -m ml.registry --stage {stage} register`."
            )
        return
    raise UserError(
        f"The model missed the gate: {metrics['gate']['sentence']}. It is not deployable in {path.name}. Train again, "
        "take an older run with `python -m ml.train --use JOB`, or release it with --force."
    )


if __name__ == "__main__":
    sys.exit(main())
