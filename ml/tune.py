"""`python -m ml.tune`: a hyperparameter tuning job, with a budget in jobs and in money."""

import argparse
import datetime as dt
import sys
import time
from pathlib import Path
from typing import Any

from ml import project
from ml.aws import clients, errors, stacks
from ml.aws.image_uris import algorithm_image
from ml.cli import run_command
from ml.dataset import upload
from ml.errors import UserError
from ml.training import hyperparameters, plan, prices, request
from ml.training.finish import finish
from ml.training.ranges import DEFAULT, TUNABLE, Range, parameter_ranges, parse_range

EXAMPLES = """examples:
  python -m ml.tune --jobs 8 --max-cost 5
  python -m ml.tune --range learning_rate=1e-5:1e-2 --range optimizer=adam,sgd
  python -m ml.tune --attach pneu-dev-261124-120000
"""
POLL_SECONDS = 5.0
ENDED = ("Completed", "Failed", "Stopped")
OBJECTIVE = "validation:accuracy"
"""The one metric that is documented for tuning this algorithm."""


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = parse(argv)

    def command() -> None:
        stage = project.stage(options.stage)
        if options.stop:
            clients.client("sagemaker").stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=options.stop)
            print(f"Tuning job {options.stop} is being stopped.")
        else:
            follow(stage, options.attach or start(stage, options), options.prices)

    return run_command(command)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line; wrong usage ends with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.tune",
        description="Search the documented ranges of the algorithm's hyperparameters with SageMaker's tuning jobs, and "
        f"make the best model by {OBJECTIVE} the stage's. Everything else is as in ml.train.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stage", help="deployment stage (default: the one in cdk.json)")
    parser.add_argument("--dataset", metavar="NAME/VERSION", help="data set to train on (default: prepared last)")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--attach", metavar="JOB", help="follow a running tuning job")
    instead.add_argument("--stop", metavar="JOB", help="stop a running tuning job")
    parser.add_argument("--yes", action="store_true", help="do not ask before the job is created")
    budget = parser.add_argument_group("budget")
    budget.add_argument("--jobs", type=int, default=8, help="training jobs at most, 1 to 100 (default %(default)s)")
    budget.add_argument("--parallel", type=int, default=1, help="at a time, 1 to 10 (default %(default)s)")
    budget.add_argument("--max-cost", type=float, metavar="SUM", help="refuse a search estimated to cost more")
    budget.add_argument(
        "--prices", type=Path, metavar="FILE", help="another price table (default ml/training/prices.json)"
    )
    search = parser.add_argument_group("search")
    tunable, default_ranges = ", ".join(TUNABLE), ", ".join(map(str, DEFAULT))
    search.add_argument("--range", type=parse_range, action="append", metavar="NAME=LOW:HIGH",
                        help=f"or NAME=A,B; of {tunable} (default {default_ranges})")  # fmt: skip
    search.add_argument("--strategy", choices=("Bayesian", "Random"), default="Bayesian",
                        help="default %(default)s")  # fmt: skip
    search.add_argument("--seed", type=int, default=0, help="of the search (default 0)")
    default = request.Compute()
    training = parser.add_argument_group("each training job")
    training.add_argument("--instance-type", default=default.instance_type, help="default %(default)s")
    training.add_argument("--no-spot", action="store_true", help="pay on demand instead of waiting for spot capacity")
    training.add_argument(
        "--max-runtime", type=int, default=default.max_runtime, help="seconds of training (default %(default)s)"
    )
    training.add_argument("--epochs", metavar="X", help="passes over the training list (default as in ml.train)")
    options = parser.parse_args(argv)
    if not 1 <= options.jobs <= 100 or not 1 <= options.parallel <= 10:
        parser.error(f"--jobs {options.jobs} must be from 1 to 100 and --parallel {options.parallel} from 1 to 10.")
    return options


def start(stage: str, options: argparse.Namespace) -> str:
    """Create a tuning job; return its name.

    Raises:
        UserError: an option is not allowed, the search exceeds its budget, a training job would not end in time, or the
            answer is no.
    """
    compute = request.Compute(options.instance_type, not options.no_spot, options.max_runtime)
    compute.check()
    table = prices.read(options.prices)
    outputs = stacks.outputs(stage, "Storage")
    dataset = upload.read_version(outputs["DataBucketName"], options.dataset)
    samples = int(dataset["training_samples"])
    ranges: list[Range] = options.range or list(DEFAULT)
    searched = {one.name for one in ranges}
    sent = hyperparameters.resolve({"epochs": options.epochs}, samples, len(dataset["classes"]))
    static = {name: value for name, value in sent.items() if name not in searched}
    name = f"pneu-{stage[:10]}-{dt.datetime.now(dt.UTC):%y%m%d-%H%M%S}"
    place = request.Place(
        outputs["DataBucketName"],
        outputs["ExecutionRoleArn"],
        algorithm_image(clients.region()),
        outputs.get("DataKeyArn"),
    )
    dataset_name = f"{dataset['name']}/{dataset['version']}"
    definition = request.build(name, dataset_name, place, static, compute, dataset["settings"]["format"])
    one = prices.training(table, options.instance_type, int(sent["num_layers"]), samples, int(sent["epochs"]))
    plan.check_runtime(one, options.max_runtime)
    plan.check_budget(one, options.jobs, options.max_cost)
    whole = "an unknown sum" if one.cost is None else f"about {one.cost * options.jobs:.2f} {one.currency}"
    over = ", ".join(map(str, ranges))
    print(
        f"Tuning job {name} on {dataset_name}: {options.jobs} training jobs, {options.parallel} at a time, over {over}."
    )
    print(f"Estimate: {whole} for all, {one} each ({one.basis}).", flush=True)
    if not options.yes:
        plan.confirm()
    clients.client("sagemaker").create_hyper_parameter_tuning_job(**tuning_request(name, definition, ranges, options))
    return name


def tuning_request(
    name: str, definition: dict[str, Any], ranges: list[Range], options: argparse.Namespace
) -> dict[str, Any]:
    """Return the CreateHyperParameterTuningJob request for a training job's request.

    Without checkpoints: all training jobs of a search have one checkpoint folder in the request, and the second would
    go on where the first ended.
    """
    left_out = ("TrainingJobName", "HyperParameters", "Tags", "CheckpointConfig")
    kept = {key: value for key, value in definition.items() if key not in left_out}
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": options.strategy,
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": OBJECTIVE},
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": options.jobs,
                "MaxParallelTrainingJobs": min(options.parallel, options.jobs),
            },
            "ParameterRanges": parameter_ranges(ranges),
            "TrainingJobEarlyStoppingType": "Off",
            "RandomSeed": options.seed,
        },
        "TrainingJobDefinition": {**kept, "StaticHyperParameters": definition["HyperParameters"]},
        "Tags": definition["Tags"],
    }


def follow(stage: str, name: str, price_table: Path | None = None) -> None:
    """Show each training job as it ends; then make the best one's model the stage's.

    Raises:
        UserError: there is no such search, it failed or was stopped before a training job completed, or it cannot be
            followed any more.
    """
    command = f"python -m ml.tune --stage {stage}"
    with errors.advising(errors.still_billed("Tuning job", name, command)):
        description, ended = watch(name)
    best = description.get("BestTrainingJob")
    if best is None:
        reason = description.get("FailureReason", description["HyperParameterTuningJobStatus"]).rstrip(".")
        raise UserError(f"Tuning job {name} has no model: {reason}.")
    print(f"Best of {ended}: {words(best)}")
    finish(stage, best["TrainingJobName"], price_table)


def watch(name: str) -> tuple[dict[str, Any], int]:
    """Show each training job as it ends; return the search's description, and how many training jobs ended.

    Raises:
        UserError: there is no such search.
        botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError: AWS refused an answer, or could not be
            reached for a minute. The search goes on.
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
                print(words(job), flush=True)
        if description["HyperParameterTuningJobStatus"] in ENDED:
            return description, len(shown)
        time.sleep(POLL_SECONDS)


def words(one: dict[str, Any]) -> str:
    """Return a training job's name, values and outcome."""
    values = ", ".join(f"{name} {value}" for name, value in sorted(one["TunedHyperParameters"].items()))
    metric = one.get("FinalHyperParameterTuningJobObjectiveMetric")
    end = f"validation accuracy {metric['Value']:.4f}" if metric else one.get("FailureReason", one["TrainingJobStatus"])
    return f"{one['TrainingJobName']}: {values}: {end}"


if __name__ == "__main__":
    sys.exit(main())
