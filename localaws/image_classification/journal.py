"""Log lines in the shape of the container's, which people's dashboards and SageMaker's metrics read."""

import datetime as dt
import os
import sys


def info(message: str) -> None:
    """Print one line, `[MM/DD/YYYY HH:MM:SS INFO <number>] message`, at once."""
    now = dt.datetime.now().strftime("%m/%d/%Y %H:%M:%S")
    sys.stdout.write(f"[{now} INFO {os.getpid()}] {message}\n")
    sys.stdout.flush()
