"""`python -m demo`: from a folder of radiographs to a prediction over HTTP, on this machine."""

import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from demo.commands import StepFailedError
from demo.walk import Algorithm, Options, Walk

STATE_DIR = Path(".localaws")
app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def main(argv: list[str] | None = None) -> int:
    """Run the demo; return 0 after a verified prediction, 1 if a step failed, 2 for wrong usage, 130 on Ctrl-C."""
    try:
        return app(argv, prog_name="python -m demo", standalone_mode=False) or 0
    except typer.TyperException as error:
        print(f"Error: {error.format_message().rstrip('.')}. See `python -m demo --help`.", file=sys.stderr)
        return error.exit_code


def port_number(text: str | int) -> int:
    """Return a port above the privileged ones.

    Raises:
        typer.BadParameter: it is not such a port.
    """
    if not str(text).isdecimal() or not 1024 <= int(text) <= 65535:
        raise typer.BadParameter(f"{text}: must be a whole number from 1024 to 65535.")
    return int(text)


@app.command()
def demo(
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, show_default="synthetic radiographs", help="Folder of chest radiographs."
        ),
    ] = None,
    algorithm: Annotated[
        Algorithm, typer.Option(help="Algorithm to train, as in `ml.train`.")
    ] = "image-classification",
    once: Annotated[bool, typer.Option("--once", help="Exit after the verified prediction, for scripts.")] = False,
    port: Annotated[
        int, typer.Option(parser=port_number, metavar="PORT", help="Port of localaws, from 1024 to 65535.")
    ] = 4566,
    app_port: Annotated[
        int, typer.Option(parser=port_number, metavar="PORT", help="Port of the app, if free, from 1024 to 65535.")
    ] = 8501,
    state_dir: Annotated[Path, typer.Option(file_okay=False, help="Folder for the state of localaws.")] = STATE_DIR,
) -> None:
    """Go from a folder of radiographs to a prediction over HTTP, on this machine."""
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    # SIGINT too: a shell lets a command in the background ignore it.
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
    with ExitStack() as servers:
        try:
            options = Options(data, algorithm, once, port, app_port, state_dir)
            Walk(options, Path(__file__).resolve().parents[1], servers).run()
        except StepFailedError as error:
            print(f"\nThe demo stopped. {error}", file=sys.stderr)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            print("\nStopping the servers.", file=sys.stderr)
            raise typer.Exit(130) from error


if __name__ == "__main__":
    sys.exit(main())
