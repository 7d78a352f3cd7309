"""The requirements, their lock and the extras of pyproject.toml agree."""

import importlib
import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.imports import imported_modules

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PARTS = ("demo", "frontend", "infra", "lambda", "localaws", "ml", "network", "radiograph")


def pins(name: str) -> dict[str, str]:
    """Return the version of each package that a requirements file pins."""
    lines = re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    return dict(lines)


def test_each_direct_requirement_is_in_an_extra_and_each_extra_has_its_versions_there() -> None:
    named = {package for extra, packages in EXTRAS.items() if extra != "sagemaker" for package in packages}
    assert named == set(pins("requirements.txt"))


def test_the_lock_has_the_versions_of_the_requirements() -> None:
    wanted, locked = pins("requirements.txt"), pins("requirements.lock")
    assert {name: locked.get(name) for name in wanted} == wanted, "run `make lock`"


def test_the_cpu_build_of_pytorch_has_the_version_of_the_lock() -> None:
    assert pins("requirements-cpu.lock") == {"torch": f"{pins('requirements.lock')['torch']}+cpu"}


def test_every_locked_package_has_a_hash() -> None:
    entries = re.split(r"^(?=[a-z])", LOCK, flags=re.MULTILINE)[1:]
    assert len(entries) == len(pins("requirements.lock"))
    assert not [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry]


def test_the_lock_names_no_package_index_and_no_path() -> None:
    assert not re.findall(r"https?:|file:|--(?:extra-)?index-url|--find-links| @ ", LOCK)


def test_the_app_installs_without_pytorch_and_without_the_aws_tools() -> None:
    assert not {"torch", "onnxruntime", "ministack", "aws-cdk-lib", "sagemaker-core", "boto3"} & set(EXTRAS["app"])


def test_a_wheel_has_every_data_file_of_the_packages() -> None:
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"]["*"]
    files = [path for part in PARTS for path in (ROOT / part).rglob("*") if path.is_file()]
    data = [path for path in files if path.suffix not in {".py", ".pyc"}]
    assert data
    assert not [path for path in data if not any(path.match(pattern) for pattern in patterns)]


def test_the_apps_extra_has_every_package_that_the_app_imports() -> None:
    files = [*(ROOT / "frontend").rglob("*.py"), *(ROOT / "radiograph").rglob("*.py")]
    roots = {name.split(".")[0] for path in files for name in imported_modules(path)}
    packages = {name.replace("PIL", "pillow") for name in roots - sys.stdlib_module_names - set(PARTS)}
    codecs = {"pyjpegls", "pylibjpeg", "pylibjpeg-openjpeg", "python-gdcm"}  # pydicom imports them
    assert packages | codecs == set(EXTRAS["app"])


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("[a-z]*.py")), ids=lambda path: path.stem)
def test_every_benchmark_can_be_imported(path: Path) -> None:
    importlib.import_module(f"benchmarks.{path.stem}")
