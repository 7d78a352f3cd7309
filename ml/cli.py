"""What all commands share: how one ends when it cannot do what was asked."""

import sys
from collections.abc import Callable

import botocore.exceptions

from ml.aws.errors import explain
from ml.errors import UserError


def run_command(command: Callable[[], None]) -> int:
    """Run a command and return its exit code, turning what can go wrong outside of it into a sentence."""
    try:
        command()
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.code
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError, OSError) as error:
        print(f"Error: {explain(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. Run the same command again to go on.", file=sys.stderr)
        return 130
    return 0
