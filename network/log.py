"""Log lines in the format of SageMaker's built-in Image Classification, which metrics and dashboards read."""

import datetime as dt
import os
import sys


def log(message: str) -> None:
    """Print the line `[MM/DD/YYYY HH:MM:SS INFO <number>] message` and flush it."""
    now = dt.datetime.now().strftime("%m/%d/%Y %H:%M:%S")
    sys.stdout.write(f"[{now} INFO {os.getpid()}] {message}\n")
    sys.stdout.flush()
