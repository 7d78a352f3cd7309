"""Start a stage of the preparation in a container: `python3 bootstrap.py /opt/ml/processing STAGE`.

Uses the standard library only. Beside it are source.tar, with the project's packages, and requirements.txt. Packages
of other versions than those in requirements.txt are installed from wheels, without a network.
"""

import os
import subprocess
import sys
import tarfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def differs(requirement: str) -> bool:
    """Return whether this Python has another version of a package than NAME==VERSION, or none."""
    name, _, pinned = requirement.partition("==")
    try:
        return version(name) != pinned
    except PackageNotFoundError:
        return True


def main(root: Path, stage: str) -> None:
    """Unpack the code, install the packages that differ, and replace this process by the stage."""
    here = Path(__file__).resolve().parent
    source, site = root / "source-code", root / "site-packages"
    with tarfile.open(here / "source.tar") as archive:
        archive.extractall(source, filter="data")
    missing = [line for line in (here / "requirements.txt").read_text().split() if differs(line)]
    if missing:
        print("Installing", *missing, flush=True)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--find-links",
                   str(root / "wheels"), "--target", str(site), *missing]  # fmt: skip
        subprocess.run(command, check=True)
    os.environ["PYTHONPATH"] = os.pathsep.join(map(str, (source, site)))
    os.chdir(source)
    os.execv(sys.executable, [sys.executable, "-m", "ml.processing.container", str(root), stage])  # noqa: S606


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
