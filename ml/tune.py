"""`python -m ml.tune`: a hyperparameter tuning job, with a budget in jobs and in money."""

import datetime as dt
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ml import algorithms, cli, options, project
from ml.algorithms import BUILT_IN
from ml.aws import clients, errors, image_uris, resources
from ml.dataset import upload
from ml.errors import UserError
from ml.training import hyperparameters, plan, prices, request
from ml.training.finish import finish
from ml.training.ranges import DEFAULT, TUNABLE, Range, check_ranges, parameter_ranges, parse_range
from ml.training.script_mode import Program

EXAMPLES = """
  python -m ml.tune --jobs 8 --max-cost 5
  python -m ml.tune --range learning_rate=1e-5:1e-2 --range optimizer=adam,sgd
  python -m ml.tune --attach pneu-dev-261124-120000
"""
POLL_SECONDS = 5.0
ENDED = ("Completed", "Failed", "Stopped")
OBJECTIVE = "validation:accuracy"
"""The one metric that is documented for tuning this algorithm."""
Strategy = Literal["Bayesian", "Random"]
Optimizer = Literal["sgd", "adam", "rmsprop", "nag"]
app = cli.application()


@dataclass(frozen=True)
class Search:
    """What to search, and within which budget.

    Attributes:
        optimizer: the one of all training jobs, unless it is searched.
        max_cost: the highest estimate in the price table's currency; None for no limit.
    """

    ranges: tuple[Range, ...]
    optimizer: Optimizer = "adam"
    jobs: int = 8
    parallel: int = 1
    max_cost: float | None = None
    strategy: Strategy = "Bayesian"
    seed: int = 0


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return cli.run(app, "ml.tune", argv)


@app.command(epilog=cli.examples(EXAMPLES))
def tune(  # noqa: PLR0913 - one parameter for each option
    *,
    stage: cli.Stage,
    dataset: options.Dataset = None,
    attach: Annotated[str | None, options.job_option("Follow a running tuning job.")] = None,
    stop: Annotated[str | None, options.job_option("Stop a running tuning job.")] = None,
    yes: options.Yes = False,
    jobs: Annotated[int, typer.Option(min=1, max=100, help="Maximum number of training jobs.")] = Search.jobs,
    parallel: Annotated[int, typer.Option(min=1, max=10, help="Training jobs at a time.")] = Search.parallel,
    max_cost: Annotated[
        float | None,
        typer.Option(min=0.01, max=1_000_000, metavar="SUM", help="Refuse a search whose estimate exceeds this sum."),
    ] = None,
    price_table: options.Prices = None,
    ranges: Annotated[
        list[Range] | None,
        typer.Option(
            "--range",
            parser=parse_range,
            metavar="NAME=LOW:HIGH",
            show_default="; ".join(f"{name}: {', '.join(map(str, chosen))}" for name, chosen in DEFAULT.items()),
            help=f"Range, or NAME=A,B for a choice; can be repeated. Names: {', '.join(TUNABLE)}.",
        ),
    ] = None,
    optimizer: Annotated[Optimizer, options.hyperparameter_option("optimizer")] = Search.optimizer,
    strategy: Annotated[Strategy, typer.Option(help="Search strategy.")] = Search.strategy,
    seed: options.Seed = 0,
    algorithm: options.Algorithm = None,
    instance_type: options.TrainingInstanceType = None,
    no_spot: options.NoSpot = False,
    max_runtime: options.MaxRuntime = request.Compute.max_runtime,
    epochs: options.Epochs = None,
) -> None:
    """Search hyperparameters of the built-in Image Classification, and make the best model the stage's.

    The best model has the highest validation accuracy. Hyperparameters that are not searched are as in ml.train.
    """
    cli.refuse_together(attach=attach, stop=stop)
    if stop:
        clients.client("sagemaker").stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=stop)
        print(f"Tuning job {stop} is being stopped.")
        return
    if attach is None:
        if algorithms.chosen(algorithm, project.settings(stage)) != BUILT_IN:
            raise UserError(f"ml.tune searches only {BUILT_IN}; give --algorithm {BUILT_IN}, or use ml.train.", 2)
        search = Search(tuple(ranges or DEFAULT[optimizer]), optimizer, jobs, parallel, max_cost, strategy, seed)
        check_ranges(search.ranges, optimizer)
        machine = instance_type or request.Compute.instance_type
        compute = request.Compute(machine, not no_spot, max_runtime)
        compute.check()
        name, definition = prepare(stage, dataset, compute, search, epochs, price_table)
        if not yes:
            plan.confirm()
        request_ = tuning_request(name, definition, search)
        clients.client("sagemaker").create_hyper_parameter_tuning_job(**request_)
    follow(stage, attach or name, price_table)


def prepare(
    stage: str,
    dataset: str | None,
    compute: request.Compute,
    search: Search,
    epochs: int | None,
    price_table: Path | None,
) -> tuple[str, dict[str, Any]]:
    """Print the plan of a tuning job; return its name and the request of each training job.

    Raises:
        UserError: an option is not allowed, the search exceeds its budget, or a training job would not end in time.
    """
    table = prices.read(price_table)
    available = resources.of_stage(stage)
    content = upload.read_version(available.bucket, dataset)
    samples = int(content["training_samples"])
    searched = {searched.name for searched in search.ranges}
    given = {"epochs": epochs, "optimizer": search.optimizer}
    sent = hyperparameters.resolve(given, samples, len(content["classes"]))
    static = {name: value for name, value in sent.items() if name not in searched}
    name = f"pneu-{stage[:10]}-{dt.datetime.now(dt.UTC):%y%m%d-%H%M%S}"
    dataset_name = f"{content['name']}/{content['version']}"
    region = clients.region()
    program = Program(image_uris.training_image(BUILT_IN, region), region)
    definition = request.build(name, dataset_name, available, program, static, compute, content["settings"]["format"])
    estimate = prices.training(table, compute.instance_type, int(sent["num_layers"]), samples, int(sent["epochs"]))
    plan.check_runtime(estimate, compute.max_runtime)
    plan.check_budget(estimate, search.jobs, search.max_cost)
    total = (
        "an unknown sum" if estimate.cost is None else f"about {estimate.cost * search.jobs:.2f} {estimate.currency}"
    )
    print(
        f"Tuning job {name} on {dataset_name}: {search.jobs} training jobs, {search.parallel} at a time, over "
        f"{', '.join(map(str, search.ranges))}."
    )
    if "mini_batch_size" in searched:
        print(
            "Warning: the validation accuracy counts images twice with a batch size that does not divide their number."
        )
    print(f"Estimate: {total} for all, {estimate} each ({estimate.basis}).", flush=True)
    return name, definition


def tuning_request(name: str, definition: dict[str, Any], search: Search) -> dict[str, Any]:
    """Return the CreateHyperParameterTuningJob request for a training job's request.

    It has no CheckpointConfig: the training jobs would share one checkpoint folder, and each would continue from the
    checkpoint of the one before.
    """
    left_out = ("TrainingJobName", "HyperParameters", "Tags", "CheckpointConfig")
    members = {name: value for name, value in definition.items() if name not in left_out}
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": search.strategy,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": OBJECTIVE},
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": search.jobs,
                "MaxParallelTrainingJobs": min(search.parallel, search.jobs),
            },
            "ParameterRanges": parameter_ranges(search.ranges),
            "TrainingJobEarlyStoppingType": "Off",
            "RandomSeed": search.seed,
        },
        "TrainingJobDefinition": {**members, "StaticHyperParameters": definition["HyperParameters"]},
        "Tags": definition["Tags"],
    }


def follow(stage: str, name: str, price_table: Path | None = None) -> None:
    """Print each training job when it ends; then make the model of the best one the stage's.

    Raises:
        UserError: the tuning job does not exist, ended without a completed training job, or cannot be followed.
    """
    command = f"python -m ml.tune --stage {stage}"
    with errors.advising(errors.still_billed("Tuning job", name, command)):
        description, ended = watch(name)
    best = description.get("BestTrainingJob")
    if best is None:
        reason = description.get("FailureReason", description["HyperParameterTuningJobStatus"]).rstrip(".")
        raise UserError(f"Tuning job {name} has no model: {reason}.")
    print(f"Best of {ended}: {result(best)}")
    finish(stage, best["TrainingJobName"], price_table)


def watch(name: str) -> tuple[dict[str, Any], int]:
    """Print each training job when it ends; return the tuning job's description and the number of training jobs.

    Raises:
        UserError: the tuning job does not exist.
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: AWS refused a request, or did not answer
            for a minute. The tuning job continues.
    """
    sagemaker = clients.client("sagemaker")
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")

    def describe() -> dict[str, Any]:
        return dict(sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name))

    def training_jobs() -> list[dict[str, Any]]:
        return [
            job for page in pages.paginate(HyperParameterTuningJobName=name) for job in page["TrainingJobSummaries"]
        ]

    shown: set[str] = set()
    while True:
        description = clients.description(describe, f"tuning job {name}", POLL_SECONDS)
        for job in clients.retry_on_connection_error(training_jobs, POLL_SECONDS):
            if job["TrainingJobStatus"] in ENDED and job["TrainingJobName"] not in shown:
                shown.add(job["TrainingJobName"])
                print(result(job), flush=True)
        if description["HyperParameterTuningJobStatus"] in ENDED:
            return description, len(shown)
        time.sleep(POLL_SECONDS)


def result(job: dict[str, Any]) -> str:
    """Return a training job's name, hyperparameters and outcome."""
    values = ", ".join(f"{name} {value}" for name, value in sorted(job["TunedHyperParameters"].items()))
    metric = job.get("FinalHyperParameterTuningJobObjectiveMetric")
    end = f"validation accuracy {metric['Value']:.4f}" if metric else job.get("FailureReason", job["TrainingJobStatus"])
    return f"{job['TrainingJobName']}: {values}: {end}"


if __name__ == "__main__":
    sys.exit(main())
