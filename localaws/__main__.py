"""`python -m localaws`: serve AWS on localhost; `python -m localaws env`: print exports that point a shell at it."""

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from localaws.environment import client_environment
from localaws.errors import StartError
from localaws.image_classification.recipes import VARIABLE

STATE_DIR = Path(".localaws")
app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 0, 1 if the server cannot start, or 2 for wrong usage."""
    try:
        return app(argv, prog_name="python -m localaws", standalone_mode=False) or 0
    except typer.TyperException as error:
        print(f"Error: {error.format_message().rstrip('.')}. See `python -m localaws --help`.", file=sys.stderr)
        return error.exit_code


def port_number(text: str | int) -> int:
    """Return a port above the privileged ones.

    Raises:
        typer.BadParameter: it is not such a port.
    """
    if not str(text).isdecimal() or not 1024 <= int(text) <= 65535:
        raise typer.BadParameter(f"{text}: must be a whole number from 1024 to 65535.")
    return int(text)


@app.command(epilog='Point a shell at it:  eval "$(python -m localaws env)"')
def localaws(
    command: Annotated[Literal["serve", "env"], typer.Argument(help="Start the server, or print exports.")] = "serve",
    port: Annotated[
        int, typer.Option(parser=port_number, metavar="PORT", help="Port on 127.0.0.1, from 1024 to 65535.")
    ] = 4566,
    state_dir: Annotated[Path, typer.Option(file_okay=False, help="Folder for the state.")] = STATE_DIR,
    training_recipe: Annotated[
        Literal["stand-in", "container"],
        typer.Option(help="Train with the stand-in's own recipe, or as AWS documents the built-in algorithm."),
    ] = "stand-in",
) -> None:
    """Serve AWS on localhost without Docker: S3, IAM, CloudFormation, Lambda, API Gateway, SageMaker."""
    if command == "env":
        for name, value in client_environment(port).items():
            print(f"export {name}={shlex.quote(value)}")
        print("unset AWS_PROFILE AWS_SESSION_TOKEN")
        return
    from localaws.server import serve

    os.environ[VARIABLE] = training_recipe
    try:
        serve(port, state_dir.resolve())
    except StartError as error:
        print(f"localaws: {error}", file=sys.stderr)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
