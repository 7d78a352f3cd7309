"""The function's deployment package: lambda/, the core of radiograph/, and wheels for Lambda's platform.

Every package has Pillow. Only a function that runs the model has ONNX Runtime and NumPy.

It is built without Docker, into a folder of .cache/ whose name is a hash of its content. The next synth finds it there
and needs no network.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from infra.errors import SettingsError

ROOT = Path(__file__).resolve().parents[1]
PYTHON_VERSION = "3.14"
PROXY = ("manylinux_2_28_aarch64", ("pillow",))
WITH_RUNTIME = ("manylinux_2_28_x86_64", ("pillow", "numpy", "onnxruntime"))
"""Platform and packages of the function without and with ONNX Runtime (see infra/proxy.py for the processors)."""
GENERATOR = {"api_types.py", "openapi.py"}
"""What writes openapi.json; the function never loads it."""
LEFT_OUT = {"dicom.py", "phantom"}
"""Parts of radiograph that need pydicom or numpy, which the package does not have."""
UNUSED = ("libavif", "libharfbuzz", "libfreetype", "libraqm", "libfribidi", "libwebp", "libsharpyuv", "liblcms2",
          "_avif", "_webp", "_imagingft", "_imagingcms", "_imagingtk")  # fmt: skip
"""Parts of Pillow for other formats and fonts; the function reads JPEG and PNG."""
UNUSED_FOLDERS = ("bin", "onnxruntime/quantization", "onnxruntime/tools", "onnxruntime/transformers")
"""Commands, and parts of ONNX Runtime that prepare models."""
OF_THIS_MACHINE = ("direct_url.json", "RECORD")
"""Files of pip that differ between machines: RECORD has the hashes of commands, which name this Python."""


def build(with_runtime: bool = False) -> Path:
    """Return the folder of the package, with or without ONNX Runtime; build it if its content changed.

    Raises:
        SettingsError: pip cannot install a wheel.
    """
    platform, names = WITH_RUNTIME if with_runtime else PROXY
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    requirements = [pinned(name, text) for name in names]
    target = ROOT / ".cache" / f"lambda-{digest(platform, requirements)}"
    if target.is_dir():
        return target
    building = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.rmtree(building, ignore_errors=True)
    install(platform, requirements, building)
    for source, relative in sources():
        (building / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, building / relative)
    with suppress(OSError):  # ENOTEMPTY: another synth built the same package meanwhile
        building.rename(target)
    shutil.rmtree(building, ignore_errors=True)
    return target


def pinned(name: str, text: str) -> str:
    """Return the pin of a package in the text of requirements.txt.

    Raises:
        SettingsError: there is none.
    """
    match = re.search(rf"^({name}==[\w.]+)", text, re.MULTILINE | re.IGNORECASE)
    if match is None:
        raise SettingsError(
            f"requirements.txt does not pin {name}, which the function's package uses; add a line such as "
            f"{name}==1.0.0."
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


def digest(platform: str, requirements: Sequence[str]) -> str:
    """Return a hash of the package's content."""
    content = hashlib.sha256(f"{requirements} {PYTHON_VERSION} {platform} {UNUSED} {UNUSED_FOLDERS}".encode())
    for path, relative in sources():
        content.update(f"{relative}\0".encode() + path.read_bytes())
    return content.hexdigest()[:16]


def install(platform: str, requirements: Sequence[str], folder: Path) -> None:
    """Unpack wheels for Lambda's platform into `folder`, without the parts that the function does not use.

    Raises:
        SettingsError: pip cannot install them.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary=:all:", "--platform", platform, "--python-version", PYTHON_VERSION,
               "--implementation", "cp", "--no-compile", "--target", str(folder), *requirements]  # fmt: skip
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode != 0:
        reason = (process.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SettingsError(
            f"pip cannot install {' '.join(requirements)} for Lambda ({platform}, Python {PYTHON_VERSION}): {reason}. "
            "Connect to a package index once; later synths work offline."
        )
    for path in sorted(folder.rglob("*"), reverse=True):
        if (path.name.startswith(UNUSED) and path.suffix != ".py") or path.name in OF_THIS_MACHINE:
            path.unlink()
    for name in UNUSED_FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
