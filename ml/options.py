"""Options that several commands share, as types of their parameters."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ml.algorithms import DEFAULT_INSTANCE
from ml.errors import UserError
from ml.training import hyperparameters, prices
from ml.training.request import MAX_RUNTIME_LIMIT


def job_option(text: str) -> Any:
    """Return the option for the name of a job, with its help."""
    return typer.Option(parser=job_name, metavar="JOB", help=text)


def job_name(text: str) -> str:
    """Return the name of a job.

    Raises:
        UserError: SageMaker does not allow it.
    """
    if re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", text) is None:
        raise UserError(f"Job name {text!r} is not allowed; it must be 1 to 63 letters, digits and hyphens.", 2)
    return text


def output_option(text: str, metavar: str) -> Any:
    """Return the option for a file to write, with its help."""
    return typer.Option(parser=output_file, metavar=metavar, help=text)


def output_file(text: str) -> Path:
    """Return the path of a file to write.

    Raises:
        UserError: its folder does not exist, or it is a folder.
    """
    path = Path(text).expanduser()
    if not path.resolve().parent.is_dir() or path.is_dir():
        problem = "is a folder; name a file" if path.is_dir() else "is in a folder that does not exist; make it first"
        raise UserError(f"--output {text} {problem}.", 2)
    return path


def fraction_option(text: str) -> Any:
    """Return the option for a fraction, with its help."""
    return typer.Option(min=0.0001, max=0.9999, help=text)


def hyperparameter_option(name: str) -> Any:
    """Return the option for a hyperparameter of the algorithm, from its table."""
    entry = hyperparameters.BY_NAME[name]
    text = f"{entry.help[0].upper()}{entry.help[1:]}."
    return typer.Option(min=entry.low, max=entry.high, show_default=hyperparameters.shown_default(entry), help=text)


def dataset_name(text: str) -> str:
    """Return the name of a data set's version, for any option.

    Raises:
        UserError: it is not NAME/VERSION.
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9-]*/[0-9a-f]+", text) is None:
        raise UserError(f"Data set {text} is not allowed; it must be NAME/VERSION, as in chest-xray/0123abcd.", 2)
    return text


def image_source(text: str) -> str:
    """Return where images without labels are.

    Raises:
        UserError: it is not an s3:// prefix or an existing folder.
    """
    if re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{2,62}(/.*)?", text) is not None:
        return text
    path = Path(text).expanduser()
    if not path.is_dir():
        raise UserError(f"--input {text} is not allowed; it must be an existing folder, or s3://BUCKET/PREFIX.", 2)
    return str(path)


def sized_instance_type(text: str) -> str:
    """Return an instance type whose number of vCPUs its name tells.

    Raises:
        UserError: it is not an instance type.
    """
    prices.vcpus(text)
    return text


def training_instance_type(text: str) -> str:
    """Return an instance type for training; `Compute.check` compares it with the algorithm.

    Raises:
        UserError: it is not an instance type.
    """
    if re.fullmatch(r"ml\.[a-z0-9-]+\.[a-z0-9]+", text) is None:
        raise UserError(f"--instance-type {text} is not an instance type; give one such as ml.m5.4xlarge.", 2)
    return text


def price_table(text: str) -> Path:
    """Return the path of a price table.

    Raises:
        UserError: the file does not exist or is not a price table.
    """
    path = Path(text).expanduser()
    if not path.is_file():
        raise UserError(f"--prices {text} is not an existing file; it must be a price table, as {prices.TABLE}.", 2)
    prices.read(path)
    return path


Algorithm = Annotated[
    Literal["image-classification", "pytorch"] | None,
    typer.Option(
        show_default="the setting algorithm",
        help="SageMaker's built-in Image Classification on a GPU, or the project's own network in PyTorch's container "
        "on CPUs.",
    ),
]
Recipe = Annotated[Literal["laptop", "cloud"] | None, hyperparameter_option("recipe")]
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
    str | None,
    typer.Option(
        "--instance-type",
        parser=training_instance_type,
        metavar="TYPE",
        show_default="; ".join(f"{kind} for {name}" for name, kind in DEFAULT_INSTANCE.items()),
        help="Instance of training.",
    ),
]
TransformInstanceType = Annotated[
    str,
    typer.Option("--instance-type", parser=sized_instance_type, metavar="TYPE", help="Instance of batch transform."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before something is created or deleted.")]
