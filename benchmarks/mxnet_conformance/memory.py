"""The largest resident memory of this process. Runs in MXNet's environment and in the project's."""

from __future__ import annotations

import re
from pathlib import Path


def peak_mib() -> float:
    """Return the peak in MiB, on Linux. `ru_maxrss` of getrusage is never below that of the process that started it."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if match is None:
        raise OSError("/proc/self/status has no VmHWM.")
    return int(match[1]) / 1024
