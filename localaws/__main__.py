"""`python -m localaws`: serve AWS on localhost; `python -m localaws env`: how to point a shell at it."""

import argparse
import os
import shlex
import sys
from pathlib import Path

from localaws.environment import client_environment
from localaws.errors import StartError


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return 0, or 1 when the server cannot start."""
    options = parse(argv)
    if options.command == "env":
        for name, value in client_environment(options.port).items():
            print(f"export {name}={shlex.quote(value)}")
        print("unset AWS_PROFILE AWS_SESSION_TOKEN")
        return 0
    from localaws.server import serve

    try:
        serve(options.port, options.state_dir.resolve())
    except StartError as error:
        print(f"localaws: {error}", file=sys.stderr)
        return 1
    return 0


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line; a wrong option ends with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m localaws",
        description="AWS on localhost, without Docker: S3, IAM, CloudFormation, Lambda, API Gateway, SageMaker.",
        epilog='Point a shell at it:  eval "$(python -m localaws env)"',
    )
    parser.add_argument("command", nargs="?", choices=["serve", "env"], default="serve")
    parser.add_argument("--port", type=port_number, default=4566, help="port on 127.0.0.1 (default 4566)")
    parser.add_argument("--state-dir", type=Path, default=Path(".localaws"), help="kept state (default .localaws)")
    return parser.parse_args(argv)


def port_number(text: str) -> int:
    """Parse a port above the privileged ones."""
    if not text.isdigit() or not 1024 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give a whole number from 1024 to 65535.")
    return int(text)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
