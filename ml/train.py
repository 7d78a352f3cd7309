"""`python -m ml.train`: train one of the two algorithms on a prepared data set."""

import datetime as dt
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ml import algorithms, cli, options, project
from ml.algorithms import BUILT_IN, PYTORCH
from ml.aws import clients, image_uris, resources
from ml.dataset import upload
from ml.errors import UserError
from ml.training import history, hyperparameters, imported, plan, prices, request, script_mode
from ml.training.finish import command_line, finish
from ml.training.hyperparameters import Value

EXAMPLES = """
  python -m ml.train                                     train on the data set prepared last
  python -m ml.train --epochs 20 --instance-type ml.g5.xlarge --set beta_1=0.95
  python -m ml.train --algorithm pytorch                 the project's own network, on a CPU instance
  python -m ml.train --algorithm pytorch --recipe cloud  and its larger recipe
  python -m ml.train --dry-run                           print the request and create nothing
  python -m ml.train --attach pneumonia-dev-20260101-120000
  python -m ml.train --list                              past runs; * marks the one in cdk.context.json
  python -m ml.train --use pneumonia-dev-20260101-120000
  python -m ml.train --import model.tar.gz               a model that was trained elsewhere
"""
app = cli.application()


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return cli.run(app, "ml.train", argv)


@app.command(epilog=cli.examples(f"{EXAMPLES}\n{hyperparameters.table_text()}"))
def train(  # noqa: PLR0913 - one parameter for each option
    *,
    stage: cli.Stage,
    dataset: options.Dataset = None,
    attach: Annotated[
        str | None, options.job_option("Follow a running job, and finish as if it had been started here.")
    ] = None,
    stop: Annotated[str | None, options.job_option("Stop a running job.")] = None,
    show_list: Annotated[bool, typer.Option("--list", help="Show past runs.")] = False,
    use: Annotated[
        str | None, options.job_option("Put the model of a past or stopped run into cdk.context.json.")
    ] = None,
    artifact: Annotated[
        Path | None,
        typer.Option(
            "--import",
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help="Take a model.tar.gz that either algorithm wrote elsewhere, to evaluate it on --dataset.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the request as JSON and create nothing.")] = False,
    yes: options.Yes = False,
    price_table: options.Prices = None,
    algorithm: options.Algorithm = None,
    recipe: options.Recipe = None,
    instance_type: options.TrainingInstanceType = None,
    no_spot: options.NoSpot = False,
    max_runtime: options.MaxRuntime = request.Compute.max_runtime,
    max_wait: Annotated[
        int | None,
        typer.Option(
            min=60,
            max=request.MAX_RUNTIME_LIMIT,
            show_default=f"--max-runtime + {request.SPOT_WAIT}",
            help="Seconds of training and of waiting for spot capacity, at least --max-runtime.",
        ),
    ] = None,
    num_layers: Annotated[
        Literal[18, 34, 50, 101, 152, 200] | None, options.hyperparameter_option("num_layers")
    ] = None,
    use_pretrained_model: Annotated[Literal[0, 1] | None, options.hyperparameter_option("use_pretrained_model")] = None,
    epochs: options.Epochs = None,
    mini_batch_size: Annotated[int | None, options.hyperparameter_option("mini_batch_size")] = None,
    optimizer: Annotated[
        Literal["sgd", "adam", "rmsprop", "nag"] | None, options.hyperparameter_option("optimizer")
    ] = None,
    learning_rate: Annotated[float | None, options.hyperparameter_option("learning_rate")] = None,
    settings: Annotated[
        list[hyperparameters.Setting] | None,
        typer.Option(
            "--set",
            parser=hyperparameters.parse_setting,
            metavar="NAME=VALUE",
            help="Another hyperparameter, listed below; can be repeated.",
        ),
    ] = None,
) -> None:
    """Train SageMaker's built-in Image Classification, or the project's own network, on a prepared data set.

    Puts the model into cdk.context.json, where `ml.transform` and `cdk deploy` read it.
    """
    cli.refuse_together(attach=attach, stop=stop, list=show_list, use=use, dry_run=dry_run, **{"import": artifact})
    if stop:
        clients.client("sagemaker").stop_training_job(TrainingJobName=stop)
        print(
            f"Training job {stop} is being stopped. If it has a model, `{command_line(stage)} --use {stop}` takes it."
        )
    elif attach:
        finish(stage, attach, price_table)
    elif show_list:
        history.show(stage)
    elif use:
        history.use(stage, use, price_table)
    elif artifact:
        imported.take(stage, artifact, dataset)
    else:
        name = algorithms.chosen(algorithm, project.settings(stage))
        machine = instance_type or algorithms.DEFAULT_INSTANCE[name]
        compute = request.Compute(machine, not no_spot, max_runtime, max_wait, name)
        values: dict[str, Value | None] = {
            **dict(settings or ()),
            "recipe": recipe,
            "num_layers": num_layers,
            "use_pretrained_model": use_pretrained_model,
            "epochs": epochs,
            "mini_batch_size": mini_batch_size,
            "optimizer": optimizer,
            "learning_rate": learning_rate,
        }
        start(stage, dataset, compute, values, Start(price_table, dry_run, yes))


@dataclass(frozen=True)
class Start:
    """How to start a job: with which price table, whether only to print it, and whether not to ask."""

    price_table: Path | None
    dry_run: bool
    yes: bool


def start(
    stage: str, dataset: str | None, compute: request.Compute, values: Mapping[str, Value | None], how: Start
) -> None:
    """Create a training job and follow it.

    Raises:
        UserError: an option is not allowed, the job would not end in time, or the answer is no.
    """
    compute.check()
    table = prices.read(how.price_table)
    available = resources.of_stage(stage)
    content = upload.read_version(available.bucket, dataset)
    samples = int(content["training_samples"])
    validation = sum(content["counts"]["validation"].values())
    sent = hyperparameters.resolve(values, samples, len(content["classes"]), compute.algorithm)
    check_dataset(content, validation, int(sent["mini_batch_size"]), compute.algorithm)
    name = f"pneumonia-{stage}-{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S}"
    dataset_name = f"{content['name']}/{content['version']}"
    files = script_mode.ScriptFiles(sent["use_pretrained_model"] == "1") if compute.algorithm == PYTORCH else None
    region = clients.region()
    image = image_uris.training_image(compute.algorithm, region)
    program = files.program(image, region, available.bucket) if files else script_mode.Program(image, region)
    built = request.build(name, dataset_name, available, program, sent, compute, content["settings"]["format"])
    network = int(sent["num_layers"]) if "num_layers" in sent else sent["recipe"]
    estimate = prices.training(table, compute.instance_type, network, samples, int(sent["epochs"]))
    plan.check_runtime(estimate, compute.max_runtime)
    if how.dry_run:
        print(json.dumps(built, indent=2))
        return
    print(plan.describe(built, samples, validation, estimate), flush=True)
    if not how.yes:
        plan.confirm()
    if files:
        files.upload(available.bucket)
    create(built)
    finish(stage, name, how.price_table)


def check_dataset(content: Mapping[str, Any], validation: int, batch: int, algorithm: str) -> None:
    """Check that an algorithm can train on a data set.

    Args:
        content: its dataset.json.
        validation: number of its validation images.

    Raises:
        UserError: it has fewer validation images than a batch, or a format that the algorithm does not read.
    """
    if validation < batch:
        raise UserError(f"--mini-batch-size {batch} exceeds the {validation} validation images.", 2)
    if algorithm == PYTORCH and content["settings"]["format"] != "lst":
        raise UserError(
            f"Data set {content['name']}/{content['version']} has format {content['settings']['format']}, but the "
            f"algorithm {PYTORCH} reads only lst; run `python -m ml.prepare --format lst` or use {BUILT_IN}.",
            2,
        )


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
