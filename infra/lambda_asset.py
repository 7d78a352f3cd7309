"""The proxy's deployment package: lambda/, the core of radiograph/, and Pillow's wheel for Lambda's platform.

It is built without Docker, into a folder of .cache/ whose name is a hash of its content. The next synth finds it there
and needs no network.
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
GENERATOR = {"api_types.py", "openapi.py"}
"""What writes openapi.json; the function never loads it."""
LEFT_OUT = {"dicom.py", "phantom"}
"""Parts of radiograph that need pydicom or numpy, which the package does not have."""
UNUSED = ("libavif", "libharfbuzz", "libfreetype", "libraqm", "libfribidi", "libwebp", "libsharpyuv", "liblcms2",
          "_avif", "_webp", "_imagingft", "_imagingcms", "_imagingtk")  # fmt: skip
"""Parts of Pillow for other formats and fonts; the proxy reads JPEG and PNG."""


def build() -> Path:
    """Return the folder of the package; build it if its content changed.

    Raises:
        SettingsError: pip cannot install Pillow's wheel.
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
    with suppress(OSError):  # ENOTEMPTY: another synth built the same package meanwhile
        building.rename(target)
    shutil.rmtree(building, ignore_errors=True)
    return target


def pillow_requirement(text: str) -> str:
    """Return the pin of Pillow in requirements.txt."""
    match = re.search(r"^(pillow==[\w.]+)", text, re.MULTILINE | re.IGNORECASE)
    if match is None:
        raise SettingsError(
            "requirements.txt does not pin Pillow; add a line such as pillow==12.0.0, which the proxy's package uses."
        )
    return match[1]


def sources() -> Iterator[tuple[Path, Path]]:
    """Yield each source file of the package, and its path in it."""
    for path in sorted(path for pattern in ("*.py", "*.json") for path in (ROOT / "lambda").rglob(pattern)):
        if path.name not in GENERATOR:
            yield path, path.relative_to(ROOT / "lambda")
    for path in sorted((ROOT / "radiograph").rglob("*.py")):
        if path.relative_to(ROOT / "radiograph").parts[0] not in LEFT_OUT:
            yield path, path.relative_to(ROOT)


def digest(requirement: str) -> str:
    """Return a hash of the package's content."""
    content = hashlib.sha256(f"{requirement} {PYTHON_VERSION} {PLATFORM} {UNUSED}".encode())
    for path, relative in sources():
        content.update(f"{relative}\0".encode() + path.read_bytes())
    return content.hexdigest()[:16]


def install(requirement: str, folder: Path) -> None:
    """Unpack a wheel for Lambda's platform into `folder`, without the parts that the proxy does not use.

    Raises:
        SettingsError: pip cannot install it.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary=:all:", "--platform", PLATFORM, "--python-version", PYTHON_VERSION,
               "--implementation", "cp", "--no-compile", "--target", str(folder), requirement]  # fmt: skip
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode != 0:
        reason = (process.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SettingsError(
            f"pip cannot install {requirement} for Lambda ({PLATFORM}, Python {PYTHON_VERSION}): {reason}. "
            "Connect to a package index once; later synths work offline."
        )
    for path in sorted(folder.rglob("*"), reverse=True):
        if (path.name.startswith(UNUSED) and path.suffix != ".py") or path.name == "direct_url.json":
            path.unlink()
