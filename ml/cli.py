"""What all commands share: `--stage`, examples, exit codes, and sentences instead of tracebacks.

Exit codes: 0 success, 1 failure, 2 wrong usage, 130 Ctrl-C.
"""

import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Annotated

import botocore.exceptions
import pydantic
import typer

from ml import project
from ml.aws.errors import explain
from ml.errors import UserError

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
    """Refuse empty values, which a shell passes for an unset variable; --accept may be an empty list.

    Raises:
        UserError: an argument is empty.
    """
    for option, value in pairwise(["", *arguments]):
        if not value.strip() and option != "--accept":
            raise UserError(f"{option} {value!r} is empty; give a value, or leave the option out.".strip(), 2)


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
