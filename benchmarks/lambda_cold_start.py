"""Cold start of the inference proxy against that of a bare boto3 client, as ratios measured in one run.

Each import runs in a fresh interpreter; the two alternate, so that a busy machine slows both. What is timed is what
AWS Lambda calls the init phase: importing the handler (Pillow, botocore's signer and urllib3 included), without the
interpreter's own start. Exit code 1 when the proxy is the slower of the two.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]

_PROXY = "import handler"
_BOTO3 = "import boto3; boto3.client('sagemaker-runtime', region_name='us-east-1')"
# ru_maxrss is in KiB on Linux and in bytes on macOS.
_TIMED = """
import sys, time
sys.path[:0] = {path!r}
started, cpu = time.perf_counter(), time.process_time()
{code}
wall, cpu = time.perf_counter() - started, time.process_time() - cpu
import resource
unit = 1 if sys.platform == "darwin" else 1024
print(wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
"""


class Start(NamedTuple):
    """One cold start: wall and CPU time in seconds, peak resident memory in bytes."""

    wall: float
    cpu: float
    memory: float


def cold_start(code: str) -> Start:
    """Run `code` once in a fresh interpreter that sees the function's folder, radiograph and the installed packages."""
    script = _TIMED.format(path=[str(ROOT / "lambda"), str(ROOT)], code=code)
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    return Start(*map(float, done.stdout.split()))


def median(starts: list[Start]) -> Start:
    """The median of each measure."""
    return Start(*(statistics.median(values) for values in zip(*starts, strict=True)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15, help="fresh interpreters per side (default %(default)s)")
    runs = parser.parse_args().runs
    if runs < 1:
        parser.error(f"--runs is {runs}; it must be at least 1.")
    cold_start(_PROXY), cold_start(_BOTO3)  # byte code is compiled once, as in a deployed runtime's own packages
    pairs = [(cold_start(_PROXY), cold_start(_BOTO3)) for _ in range(runs)]
    proxy, boto3 = (median(list(side)) for side in zip(*pairs, strict=True))
    print(f"median of {runs} fresh interpreters, Python {sys.version.split()[0]}")
    for name, start in (("import handler", proxy), ("boto3 client alone", boto3)):
        print(f"{name:<20}{start.wall:7.3f} s wall {start.cpu:7.3f} s CPU {start.memory / 2**20:6.1f} MiB")
    ratios = [mine / theirs for mine, theirs in zip(proxy, boto3, strict=True)]
    print(f"{'ratio':<20}{ratios[0]:7.2f}        {ratios[1]:7.2f}       {ratios[2]:6.2f}")
    return 0 if ratios[0] <= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
