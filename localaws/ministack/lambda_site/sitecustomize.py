"""Runs first in every process that MiniStack starts for a Lambda function, by way of PYTHONPATH.

A function's package holds wheels for Lambda's platform (another Python, perhaps another processor). Functions here run
in this machine's Python, which cannot load those wheels' binary modules, so a package that has any is taken from this
machine's environment instead. The code of the function itself is always its own.
"""

import importlib.machinery
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType

CODE = Path(os.environ.get("LAMBDA_TASK_ROOT", ""))


class ForeignBinaries(MetaPathFinder):
    """Finds top-level packages of the function that hold binary modules for another Python, elsewhere."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return this environment's package in the place of a foreign one; leave every other name to others."""
        if path is not None or not is_foreign(CODE / fullname):
            return None
        elsewhere = [entry for entry in sys.path if entry and Path(entry).resolve() != CODE.resolve()]
        spec = importlib.machinery.PathFinder.find_spec(fullname, elsewhere)
        if spec is not None:
            sys.stderr.write(
                f"localaws: {fullname} in this function is built for another Python; using {spec.origin}\n"
            )
        return spec


def is_foreign(package: Path) -> bool:
    """Return whether a package folder holds binary modules and none that this Python loads."""
    suffixes = {file.name[file.name.index(".") :] for file in package.glob("*.so")}
    return bool(suffixes) and suffixes.isdisjoint(importlib.machinery.EXTENSION_SUFFIXES)


if os.environ.get("LAMBDA_TASK_ROOT"):
    sys.meta_path.insert(0, ForeignBinaries())
