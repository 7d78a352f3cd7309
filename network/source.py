"""The files of the package as SageMaker's PyTorch containers expect them."""

import shutil
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ENTRY_POINTS = ("train.py", "inference.py")


def files() -> dict[str, Path]:
    """Return the files of the source archive by their names in it.

    The entry points are at the root, where the containers look for them, and again in the package.
    """
    package = {f"{FOLDER.name}/{path.name}": path for path in sorted(FOLDER.glob("*.py"))}
    return package | {name: FOLDER / name for name in ENTRY_POINTS}


def copy(folder: Path) -> None:
    """Write the files below `folder`."""
    for name, path in files().items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
