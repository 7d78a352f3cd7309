"""MXNet in a virtual environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PACKAGES = ("mxnet==1.9.1", "numpy==1.23.5")
"""MXNet 1.9.1 uses np.bool, which NumPy 1.24 removed. NumPy 1.23.5 has no wheels for Python 3.12 and later."""
COMMANDS = Path(__file__).with_name("commands.py")


class StepError(Exception):
    """The result of a step is not what it must be."""


def install(folder: Path, python: str) -> Path:
    """Return the Python of the environment, which is created if it does not exist. pip's settings decide the index."""
    target = folder / "bin" / "python"
    if not (folder / "installed").exists():
        run([python, "-m", "venv", str(folder)])
        run([str(target), "-m", "pip", "install", "--quiet", *PACKAGES])
        (folder / "installed").touch()
    return target


def run(command: list[str], threads: int = 1) -> str:
    """Run a command and return its standard output.

    Raises:
        StepError: its exit code is not 0.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    waiting = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    try:
        result = subprocess.run(command, env=inherited | waiting, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise StepError(f"{command[0]} does not exist; name a Python 3.8 to 3.11 with --python.") from error
    if result.returncode:
        raise StepError(f"{' '.join(command[:4])} ...: exit code {result.returncode}: {result.stderr[-600:].strip()}")
    return result.stdout


def call(command: list[str], threads: int = 1, **options: object) -> dict[str, Any]:
    """Run a command with options and return the JSON in the last line of its output."""
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return dict(json.loads(run([*command, *arguments], threads).splitlines()[-1]))


class MXNet:
    """The commands of `commands.py`, each in a process of its own."""

    def __init__(self, python: Path) -> None:
        self.python = python

    def __call__(self, command: str, threads: int = 1, **options: object) -> dict[str, Any]:
        """Run a command and return its result."""
        return call([str(self.python), str(COMMANDS), command], threads, **options)


def onnx_runtime(**options: object) -> dict[str, Any]:
    """Run `onnx_scoring.py` with the project's Python and return its result."""
    return call([sys.executable, "-m", "benchmarks.mxnet_conformance.onnx_scoring"], **options)
