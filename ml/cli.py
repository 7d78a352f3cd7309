"""What all commands share: their common options, exit codes, and sentences instead of tracebacks.

Exit codes: 0 success, 1 failure, 2 wrong usage, 130 Ctrl-C.
"""

import re
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import botocore.exceptions
import pydantic
import typer

from ml import project
from ml.aws.errors import explain
from ml.errors import UserError
from ml.training import hyperparameters, prices
from ml.training.request import MAX_RUNTIME_LIMIT, Compute

JOB = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
DATASET = re.compile(r"[a-z0-9][a-z0-9-]*/[0-9a-f]+")


def application() -> typer.Typer:
    """Return a Typer application whose help and errors are plain text."""
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def examples(text: str) -> str:
    """Return the end of a command's help: paragraphs with their line breaks, which \\b tells Typer to keep."""
    return "\n\n".join(f"\b\n{paragraph}" for paragraph in f"Examples:\n{text.strip(chr(10))}".split("\n\n"))


def run(app: typer.Typer, name: str, argv: list[str] | None) -> int:
    """Parse the options, run the command and return its exit code.

    Args:
        name: the command's module, as after `python -m`.
        argv: the options; None for those of the process.
    """
    command = typer.main.get_command(app)
    arguments = sys.argv[1:] if argv is None else argv

    def parse_and_call() -> None:
        try:
            refuse_empty(arguments)
            with command.make_context(f"python -m {name}", list(arguments)) as context:
                command.invoke(context)
        except typer.TyperException as error:
            raise UserError(f"{usage_sentence(error)} See `python -m {name} --help`.", 2) from error

    return run_command(parse_and_call)


def run_command(command: Callable[[], None]) -> int:
    """Run a command and return its exit code; print an expected error as a sentence."""
    try:
        command()
    except typer.Exit as end:
        return end.exit_code
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.code
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError, OSError) as error:
        print(f"Error: {explain(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. Run the same command again to continue.", file=sys.stderr)
        return 130
    return 0


def refuse_empty(arguments: Sequence[str]) -> None:
    """Refuse empty values, which a shell passes for an unset variable.

    Raises:
        UserError: an argument is empty.
    """
    for option, value in pairwise(["", *arguments]):
        if not value.strip() and option != "--accept":  # workflows pass an empty list
            raise UserError(f"{option} {value!r} is empty; give a value, or leave the option out.".strip(), 2)
        if value.startswith("--") and value.endswith("="):
            raise UserError(f"{value[:-1]} '' is empty; give a value, or leave the option out.", 2)


def usage_sentence(error: typer.TyperException) -> str:
    """Return the received and the allowed value of a wrong option."""
    cause = error.__cause__
    if not isinstance(error, typer.BadParameter) or error.param is None or not error.message:
        return f"{error.format_message().rstrip('.')}."
    option = max(error.param.opts, key=len)
    if not isinstance(cause, pydantic.ValidationError):
        return f"{option}: {error.message}"
    info = error.param.type_descriptor
    low, high = info.parameter_info.min, info.parameter_info.max
    if info.choices:
        allowed = "one of " + ", ".join(map(str, info.choices))
    else:
        allowed = "a whole number" if info.annotation is int else "a number"
        allowed += f" from {low} to {high}" if high is not None else "" if low is None else f" of at least {low}"
    return f"{option} {cause.errors()[0]['input']}: must be {allowed}."


def refuse_together(**options: object) -> None:
    """Refuse more than one of several options that exclude each other.

    Raises:
        UserError: more than one is set.
    """
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value not in (None, False)]
    if len(given) > 1:
        raise UserError(f"{' and '.join(given)} cannot be combined; give one of them.", 2)


def job_option(text: str) -> Any:
    """Return the option for the name of a job, with a line of help."""

    def parse(name: str) -> str:
        if JOB.fullmatch(name) is None:
            raise UserError(f"{name!r} is not a job name; it must be 1 to 63 letters, digits and hyphens.", 2)
        return name

    return typer.Option(parser=parse, metavar="JOB", help=text)


def output_option(text: str, metavar: str) -> Any:
    """Return the option for a file to write, with a line of help."""

    def parse(name: str) -> Path:
        target = Path(name).expanduser()
        if not target.resolve().parent.is_dir():
            raise UserError(f"--output {name}: the folder {target.resolve().parent} does not exist; make it first.", 2)
        if target.is_dir():
            raise UserError(f"--output {name} is a folder; give the name of a file.", 2)
        return target

    return typer.Option(parser=parse, metavar=metavar, help=text)


def fraction_option(text: str) -> Any:
    """Return the option for a fraction, with a line of help."""
    return typer.Option(min=0.0001, max=0.9999, help=text)


def hyperparameter_option(name: str) -> Any:
    """Return the option for one of the algorithm's hyperparameters, as its table has it."""
    entry = hyperparameters.BY_NAME[name]
    help_text = f"{entry.help[0].upper()}{entry.help[1:]}."
    return typer.Option(min=entry.low, max=entry.high, show_default=str(entry.default), help=help_text)


def dataset_name(text: str) -> str:
    """Return the name of a data set's version.

    Raises:
        UserError: it is not NAME/VERSION.
    """
    if DATASET.fullmatch(text) is None:
        raise UserError(f"--dataset {text} is not allowed; it must be NAME/VERSION, as in chest-xray/0123abcd.", 2)
    return text


def image_source(text: str) -> str:
    """Return where images without labels are.

    Raises:
        UserError: it is not an s3:// prefix or an existing folder.
    """
    if re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{2,62}(/.*)?", text) is None and not Path(text).expanduser().is_dir():
        raise UserError(f"--input {text} is not allowed; it must be an existing folder, or s3://BUCKET/PREFIX.", 2)
    return text


def transform_instance_type(text: str) -> str:
    """Return an instance type for batch transform.

    Raises:
        UserError: it is not an instance type.
    """
    prices.workers(text)
    return text


def training_instance_type(text: str) -> str:
    """Return an instance type for training.

    Raises:
        UserError: the algorithm cannot run on it.
    """
    Compute(text).check()
    return text


def price_table(path: str) -> Path:
    """Return the path of a price table.

    Raises:
        UserError: the file does not exist, or is not a price table.
    """
    prices.read(Path(path).expanduser())
    return Path(path).expanduser()


Stage = Annotated[
    str,
    typer.Option(
        parser=project.stage,
        default_factory=lambda: project.stage(None),
        metavar="NAME",
        show_default="stage in cdk.json",
        help="Deployment stage: a lower-case letter, then at most 15 lower-case letters and digits.",
    ),
]
Context = Annotated[
    list[str] | None, typer.Option("--context", "-c", metavar="NAME=VALUE", help="Setting, as of `cdk deploy`.")
]
Dataset = Annotated[
    str | None,
    typer.Option(
        parser=dataset_name, metavar="NAME/VERSION", show_default="prepared last", help="Data set to train on."
    ),
]
Input = Annotated[
    str | None,
    typer.Option(
        "--input", parser=image_source, metavar="S3_OR_FOLDER", help="Folder of images without labels, or s3:// prefix."
    ),
]
Epochs = Annotated[int | None, hyperparameter_option("epochs")]
NoSpot = Annotated[bool, typer.Option("--no-spot", help="Pay on demand instead of waiting for spot capacity.")]
MaxRuntime = Annotated[int, typer.Option(min=60, max=MAX_RUNTIME_LIMIT, help="Seconds of training.")]
Prices = Annotated[
    Path | None,
    typer.Option(
        "--prices",
        parser=price_table,
        metavar="FILE",
        show_default="ml/training/prices.json",
        help="Another price table.",
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=999_999_999, help="Seed of everything random.")]
TrainingInstanceType = Annotated[
    str, typer.Option("--instance-type", parser=training_instance_type, metavar="TYPE", help="Instance of training.")
]
TransformInstanceType = Annotated[
    str,
    typer.Option(
        "--instance-type", parser=transform_instance_type, metavar="TYPE", help="Instance of batch transform."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before something is created or deleted.")]
