"""The content of the proxy's deployment package."""

import sys
from pathlib import Path

import pytest

from infra import lambda_asset

PROXY_BYTES = 50 * 1024 * 1024
"""Lambda's quota for a zipped package that is uploaded directly; the proxy's package is smaller even unzipped."""
UNZIPPED_BYTES = 250 * 1024 * 1024
"""Lambda's quota for an unzipped package (developer guide, quotas)."""


@pytest.fixture(scope="module")
def package() -> Path:
    return lambda_asset.build()


@pytest.fixture(scope="module")
def runtime() -> Path:
    """The package of a function that runs the model."""
    return lambda_asset.build(with_runtime=True)


def size(package: Path) -> int:
    return sum(path.stat().st_size for path in package.rglob("*") if path.is_file())


def test_the_package_holds_the_proxy_and_what_it_imports(package: Path) -> None:
    for name in ("handler.py", "inference_proxy/routes.py", "radiograph/standard_image.py", "PIL/Image.py"):
        assert (package / name).is_file(), name


def test_the_package_holds_nothing_that_the_proxy_does_not_need(package: Path) -> None:
    names = {str(path.relative_to(package)) for path in package.rglob("*")}
    assert not [name for name in names if "__pycache__" in name or "test" in name.lower().split("/")[0]]
    assert "radiograph/dicom.py" not in names
    assert "radiograph/phantom" not in names
    assert not (package / "onnxruntime").exists()
    assert size(package) < PROXY_BYTES


def test_a_function_that_runs_the_model_has_the_runtime_of_requirements_txt_within_lambdas_limit(runtime: Path) -> None:
    text = (lambda_asset.ROOT / "requirements.txt").read_text(encoding="utf-8")
    for name in ("numpy", "onnxruntime", "pillow"):
        version = lambda_asset.pinned(name, text).partition("==")[2]
        assert (runtime / f"{name}-{version}.dist-info").is_dir()
    binaries = {path.name.split(".")[1] for path in runtime.rglob("*cpython*.so")}
    assert binaries == {"cpython-314-x86_64-linux-gnu"}
    assert (runtime / "handler.py").is_file()
    assert size(runtime) < UNZIPPED_BYTES


def test_a_package_is_the_same_on_every_machine(runtime: Path) -> None:
    """pip writes the path of this Python into commands, and their hashes into RECORD."""
    here = sys.executable.encode()
    assert not list(runtime.rglob("RECORD"))
    texts = [path for path in runtime.rglob("*") if path.is_file() and path.stat().st_size < 1_000_000]
    assert not [path for path in texts if here in path.read_bytes()]


def test_binary_modules_are_those_of_lambdas_platform(package: Path) -> None:
    binaries = list((package / "PIL").glob("*.so"))
    assert binaries
    assert all("cpython-314-aarch64" in binary.name for binary in binaries)


def test_a_second_build_finds_the_first_without_a_network(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert lambda_asset.build() == package


def test_without_a_package_index_the_error_names_the_requirement_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(lambda_asset.SettingsError, match=r"pillow==13\.0\.0.*package index"):
        lambda_asset.install(lambda_asset.PROXY[0], ["pillow==13.0.0"], tmp_path / "package")
