"""The code and the packages that a processing job runs, in S3 under a hash of their content."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ml import project
from ml.aws.image_uris import PYTHON_VERSION
from ml.aws.s3 import Bucket
from ml.errors import UserError
from ml.training.script_mode import PREFIX, digest, tarball

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ml", "radiograph")
SUFFIXES = {".py", ".json", ".html"}
REQUIREMENTS = (
    "cloudpickle", "jinja2", "joblib", "markupsafe", "narwhals", "numpy", "pillow", "pydicom", "pyjpegls", "pylibjpeg",
    "pylibjpeg-openjpeg", "python-gdcm", "scikit-learn", "scipy", "threadpoolctl",
)  # fmt: skip
"""Packages that decide the bytes of a data set. The container gets the versions of this machine."""
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
"""Wheels that run on the Ubuntu 22.04 (glibc 2.35) of the container image."""


@dataclass(frozen=True)
class Bundle:
    """Files by their names, and the folder of the wheels.

    Attributes:
        digest: hash of the files; the same code and package versions give the same.
    """

    files: dict[str, bytes]
    wheels: Path
    digest: str

    @property
    def code_prefix(self) -> str:
        """Prefix of the bucket for the files."""
        return f"{PREFIX}/processing/{self.digest}/"

    @property
    def wheels_prefix(self) -> str:
        """Prefix of the bucket for the wheels."""
        return f"{PREFIX}/wheels/{digest(self.files['requirements.txt'])}/"

    def upload(self, bucket: str) -> None:
        """Store the files that are not in the bucket yet, after the wheels that they need."""
        objects = Bucket(bucket)
        present = objects.sizes(self.wheels_prefix)
        for path in sorted(self.wheels.iterdir()):
            if present.get(key := f"{self.wheels_prefix}{path.name}") != path.stat().st_size:
                objects.send(key, path, "application/zip")
        present = objects.sizes(self.code_prefix)
        for name, body in self.files.items():
            if present.get(f"{self.code_prefix}{name}") != len(body):
                objects.put(f"{self.code_prefix}{name}", body, "application/octet-stream")


def build() -> Bundle:
    """Return the bundle of this project and this machine's package versions.

    Raises:
        UserError: a wheel cannot be downloaded.
    """
    paths = [path for name in PACKAGES for path in sorted((ROOT / name).rglob("*")) if path.suffix in SUFFIXES]
    source = tarball({path.relative_to(ROOT).as_posix(): path for path in paths})
    files = {
        "bootstrap.py": Path(__file__).with_name("bootstrap.py").read_bytes(),
        "requirements.txt": requirements().encode(),
        "source.tar": source,
    }
    return Bundle(files, wheels_of(requirements()), digest(b"".join(files.values())))


def requirements() -> str:
    """Return the packages of the container with this machine's versions, NAME==VERSION in each line."""
    return "".join(f"{name}=={importlib.metadata.version(name)}\n" for name in REQUIREMENTS)


def wheels_folder(pins: str) -> Path:
    """Return the folder for the wheels of packages and versions."""
    return project.root() / ".cache" / f"wheels-{PYTHON_VERSION}-{digest(pins.encode())}"


def wheels_of(pins: str) -> Path:
    """Return the folder with the container's wheels; download them once for each set of versions.

    Raises:
        UserError: pip cannot download one.
    """
    folder = wheels_folder(pins)
    if folder.is_dir():
        return folder
    partial = folder.with_name(f"{folder.name}.{os.getpid()}")
    platforms = [text for platform in PLATFORMS for text in ("--platform", platform)]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary=:all:", "--implementation", "cp", "--python-version", PYTHON_VERSION.removeprefix("py"),
               *platforms, "--dest", str(partial), *pins.split()]  # fmt: skip
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode != 0:
        reason = (process.stderr.strip().splitlines() or ["no reason given"])[-1]
        shutil.rmtree(partial, ignore_errors=True)
        raise UserError(
            f"pip cannot download the packages of the container ({PYTHON_VERSION}, {PLATFORMS[0]}): {reason}. Connect "
            f"to a package index once; later runs use {folder}."
        )
    partial.rename(folder)
    return folder
