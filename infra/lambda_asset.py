"""The proxy's deployment package: lambda/, the core of radiograph/, and Pillow's wheel for Lambda's platform.

Built without Docker, into a folder of .cache/ named by its content: a second synth finds it there, without a network.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from infra.errors import SettingsError

ROOT = Path(__file__).resolve().parents[1]
PYTHON_VERSION = "3.14"
PLATFORM = "manylinux_2_28_aarch64"
LEFT_OUT = {"dicom.py", "phantom"}
"""Of radiograph: they need pydicom and numpy, which the proxy does not."""
UNUSED = ("libavif", "libharfbuzz", "libfreetype", "libraqm", "libfribidi", "libwebp", "libsharpyuv", "liblcms2",
          "_avif", "_webp", "_imagingft", "_imagingcms", "_imagingtk")  # fmt: skip
"""Parts of Pillow for formats and fonts that no image needs; the proxy reads JPEG and PNG."""


def build() -> Path:
    """Return the folder of the package, building it when its content changed.

    Raises:
        SettingsError: Pillow's wheel could not be had.
    """
    requirement = pillow_requirement((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    target = ROOT / ".cache" / f"lambda-{digest(requirement)}"
    if target.is_dir():
        return target
    building = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    install(requirement, building)
    for source, relative in sources():
        (building / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, building / relative)
    with suppress(OSError):  # ENOTEMPTY: another synth built the same meanwhile
        building.rename(target)
    shutil.rmtree(building, ignore_errors=True)
    return target


def pillow_requirement(text: str) -> str:
    """Return the pin of Pillow in requirements.txt."""
    match = re.search(r"^(pillow==[\w.]+)", text, re.MULTILINE | re.IGNORECASE)
    if match is None:
        raise SettingsError("requirements.txt pins no Pillow; the proxy is built with that pin.")
    return match[1]


def sources() -> Iterator[tuple[Path, Path]]:
    """Yield each source file of the package, and its path in it."""
    for path in sorted(path for kind in ("*.py", "*.json") for path in (ROOT / "lambda").rglob(kind)):
        yield path, path.relative_to(ROOT / "lambda")
    for path in sorted((ROOT / "radiograph").rglob("*.py")):
        if path.relative_to(ROOT / "radiograph").parts[0] not in LEFT_OUT:
            yield path, path.relative_to(ROOT)


def digest(requirement: str) -> str:
    """Return a name for the package's content."""
    found = hashlib.sha256(f"{requirement} {PYTHON_VERSION} {PLATFORM} {UNUSED}".encode())
    for path, relative in sources():
        found.update(f"{relative}\0".encode() + path.read_bytes())
    return found.hexdigest()[:16]


def install(requirement: str, folder: Path) -> None:
    """Unpack a wheel for Lambda's platform into `folder`, less what the proxy does not use.

    Raises:
        SettingsError: pip could not get it.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary=:all:", "--platform", PLATFORM, "--python-version", PYTHON_VERSION,
               "--implementation", "cp", "--no-compile", "--target", str(folder), requirement]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SettingsError(
            f"pip could not get {requirement} for Lambda ({PLATFORM}, Python {PYTHON_VERSION}): {reason}. "
            "Connect to a package index once; later synths work offline."
        )
    for path in sorted(folder.rglob("*"), reverse=True):
        if (path.name.startswith(UNUSED) and path.suffix != ".py") or path.name == "direct_url.json":
            path.unlink()
