"""`python -m ml.train`: train the built-in Image Classification on a prepared data set."""

import argparse
import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any

from ml import project
from ml.aws import clients, stacks
from ml.aws.image_uris import algorithm_image
from ml.cli import run_command
from ml.dataset import upload
from ml.errors import UserError
from ml.training import history, hyperparameters, plan, prices, request
from ml.training.finish import command_line, finish

EXAMPLES = """examples:
  python -m ml.train                                     train on the data set prepared last
  python -m ml.train --epochs 20 --instance-type ml.g5.xlarge
  python -m ml.train --dry-run                           print the request and create nothing
  python -m ml.train --attach pneumonia-dev-20260101-120000
  python -m ml.train --list                              past runs, and the one in cdk.context.json
  python -m ml.train --use pneumonia-dev-20260101-120000
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = parse(argv)

    def command() -> None:
        stage = project.stage(options.stage)
        if options.stop:
            clients.client("sagemaker").stop_training_job(TrainingJobName=options.stop)
            print(
                f"Training job {options.stop} is being stopped. If it leaves a model, "
                f"`{command_line(stage)} --use {options.stop}` takes it."
            )
        elif options.attach:
            finish(stage, options.attach, options.prices)
        elif options.list:
            history.show(stage)
        elif options.use:
            history.use(stage, options.use, options.prices)
        else:
            start(stage, options)

    return run_command(command)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line; wrong usage ends with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.train",
        description="Train SageMaker's built-in Image Classification on a prepared data set, and put the model into "
        "cdk.context.json for `cdk deploy`.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stage", help="deployment stage (default: the one in cdk.json)")
    parser.add_argument("--dataset", metavar="NAME/VERSION", help="data set to train on (default: prepared last)")
    instead = parser.add_argument_group("instead of training").add_mutually_exclusive_group()
    instead.add_argument(
        "--attach", metavar="JOB", help="follow a running job, and finish as if it had been started here"
    )
    instead.add_argument("--stop", metavar="JOB", help="stop a running job")
    instead.add_argument("--list", action="store_true", help="show past runs")
    instead.add_argument("--use", metavar="JOB", help="put the model of a past or stopped run into cdk.context.json")
    instead.add_argument("--dry-run", action="store_true", help="print the request as JSON and create nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask before the job is created")
    parser.add_argument(
        "--prices", type=Path, metavar="FILE", help="another price table (default ml/training/prices.json)"
    )
    parser.add_argument(
        "--tag", type=tag, action="append", default=[], metavar="KEY=VALUE", help="of the job; may be repeated"
    )
    compute = parser.add_argument_group("compute")
    default = request.Compute()
    compute.add_argument("--instance-type", default=default.instance_type, help=f"default {default.instance_type}")
    compute.add_argument("--no-spot", action="store_true", help="pay on demand instead of waiting for spot capacity")
    compute.add_argument(
        "--max-runtime", type=int, default=default.max_runtime, help="seconds of training (default %(default)s)"
    )
    compute.add_argument(
        "--max-wait", type=int, help=f"seconds with waiting for spot (default --max-runtime + {request.SPOT_WAIT})"
    )
    compute.add_argument("--volume-gb", type=int, default=default.volume_gb, help="disk (default %(default)s)")
    compute.add_argument(
        "--network-isolation", action="store_true", help="no network for the container (not documented for it)"
    )
    model = parser.add_argument_group("hyperparameters", "ranges as the algorithm has them")
    for one in hyperparameters.TABLE:
        shown = "not sent" if one.default is None else one.default
        model.add_argument(f"--{one.name.replace('_', '-')}", metavar="X", help=f"{one.help} (default {shown})")
    return parser.parse_args(argv)


def tag(text: str) -> tuple[str, str]:
    """Parse KEY=VALUE."""
    key, equals, value = text.partition("=")
    if not equals or not 1 <= len(key) <= 128 or len(value) > 256 or key.lower().startswith("aws:"):
        raise argparse.ArgumentTypeError(f"{text!r} is no tag; give KEY=VALUE, as in owner=radiology.")
    return key, value


def start(stage: str, options: argparse.Namespace) -> None:
    """Create a training job and follow it.

    Raises:
        UserError: an option is not allowed, the job would not end in time, or the answer is no.
    """
    compute = request.Compute(
        options.instance_type,
        not options.no_spot,
        options.max_runtime,
        options.max_wait,
        options.volume_gb,
        options.network_isolation,
    )
    compute.check()
    table = prices.read(options.prices)
    outputs = stacks.outputs(stage, "Storage")
    dataset = upload.read_version(outputs["DataBucketName"], options.dataset)
    samples = int(dataset["training_samples"])
    validation = sum(dataset["counts"]["validation"].values())
    sent = hyperparameters.resolve(vars(options), samples, len(dataset["classes"]))
    if validation < int(sent["mini_batch_size"]):
        raise UserError(f"--mini-batch-size {sent['mini_batch_size']} exceeds the {validation} validation images.", 2)
    name = f"pneumonia-{stage}-{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S}"
    place = request.Place(
        outputs["DataBucketName"],
        outputs["ExecutionRoleArn"],
        algorithm_image(clients.region()),
        outputs.get("DataKeyArn"),
    )
    dataset_name = f"{dataset['name']}/{dataset['version']}"
    built = request.build(name, dataset_name, place, sent, compute, dataset["settings"]["format"], dict(options.tag))
    layers, epochs = int(sent["num_layers"]), int(sent["epochs"])
    estimate = prices.training(table, options.instance_type, layers, samples, epochs)
    plan.check_runtime(estimate, options.max_runtime)
    if options.dry_run:
        print(json.dumps(built, indent=2))
        return
    print(plan.describe(built, samples, validation, estimate), flush=True)
    if not options.yes:
        plan.confirm()
    create(built)
    finish(stage, name, options.prices)


def create(built: dict[str, Any]) -> None:
    """Create the job from the request, through sagemaker-core's resource.

    Raises:
        botocore.exceptions.ClientError: SageMaker refused it.
    """
    from sagemaker.core.resources import TrainingJob

    members = {snake(name): snake_members(value, name) for name, value in built.items()}
    TrainingJob.create(session=clients.session(), region=clients.region(), **members)


def snake_members(value: Any, member: str) -> Any:
    """Return a request's value with the names of its members in sagemaker-core's snake case."""
    if isinstance(value, list):
        return [snake_members(item, member) for item in value]
    if isinstance(value, dict) and member != "HyperParameters":
        return {snake(name): snake_members(item, name) for name, item in value.items()}
    return value


def snake(name: str) -> str:
    """Return InputDataConfig as input_data_config, and VolumeSizeInGB as volume_size_in_gb."""
    from sagemaker.core.utils.code_injection.codec import pascal_to_snake

    return str(pascal_to_snake(name))


if __name__ == "__main__":
    sys.exit(main())
