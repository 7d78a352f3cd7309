"""Imported at the start of every process that MiniStack starts for a Lambda function, because of PYTHONPATH.

A function's package holds wheels for Lambda's platform (another Python, perhaps another processor). localaws runs
functions in this machine's Python, which cannot load the binary modules of those wheels. Packages with such modules are
imported from this machine's environment instead. The function's own code is never replaced.
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
    """Finds packages with binary modules for another Python in this machine's environment."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return this environment's package if the function's is foreign, otherwise None."""
        if path is not None or not is_foreign(CODE / fullname):
            return None
        environment = [entry for entry in sys.path if entry and Path(entry).resolve() != CODE.resolve()]
        spec = importlib.machinery.PathFinder.find_spec(fullname, environment)
        if spec is not None:
            sys.stderr.write(
                f"localaws: {fullname} in this function is built for another Python; using {spec.origin}\n"
            )
        return spec


def is_foreign(package: Path) -> bool:
    """Return whether a package folder holds binary modules, but none for this Python. Libraries have no such tag."""
    suffixes = {file.name[file.name.index(".") :] for file in package.rglob("*.cpython-*.so")}
    return bool(suffixes) and suffixes.isdisjoint(importlib.machinery.EXTENSION_SUFFIXES)


if os.environ.get("LAMBDA_TASK_ROOT"):
    # Lambda's /tmp is the function's own. Here it is the folder of the process, which MiniStack deletes with it.
    os.environ.setdefault("TMPDIR", str(CODE.parent))
    sys.meta_path.insert(0, ForeignBinaries())
