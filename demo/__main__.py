"""`python -m demo`: from a folder of radiographs to a prediction over HTTP, on this machine."""

import argparse
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

from demo.commands import StepFailedError
from demo.walk import Walk


def main(argv: list[str] | None = None) -> int:
    """Run the demo; return 0 after a verified prediction, 1 when a step failed, 130 on Ctrl-C."""
    options = parse(argv)
    # SIGINT too: a shell that starts the demo in the background would have it ignored.
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
    with ExitStack() as servers:
        try:
            Walk(options, Path(__file__).resolve().parents[1], servers).run()
        except StepFailedError as error:
            print(f"\nThe demo stopped. {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("\nStopping the servers.", file=sys.stderr)
            return 130
    return 0


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of chest radiographs (default: synthetic phantoms)")
    parser.add_argument("--once", action="store_true", help="end after the verified prediction (for scripts)")
    parser.add_argument("--port", type=int, default=4566, help="port of localaws (default 4566)")
    parser.add_argument("--app-port", type=int, default=8501, help="port of the app, if free (default 8501)")
    parser.add_argument("--state-dir", type=Path, default=Path(".localaws"), help="where localaws keeps its state")
    options = parser.parse_args(argv)
    if options.data is not None and not options.data.is_dir():
        parser.error(f"--data {options.data} is not a folder; give a folder of chest radiographs or leave it out.")
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    return options


if __name__ == "__main__":
    sys.exit(main())
