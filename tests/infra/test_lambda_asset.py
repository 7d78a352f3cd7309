"""The content of the proxy's deployment package."""

from pathlib import Path

import pytest

from infra import lambda_asset

LIMIT_BYTES = 50 * 1024 * 1024
"""Lambda's quota for a zipped package that is uploaded directly; this package is smaller even unzipped."""


@pytest.fixture(scope="module")
def package() -> Path:
    return lambda_asset.build()


def test_the_package_holds_the_proxy_and_what_it_imports(package: Path) -> None:
    for name in ("handler.py", "inference_proxy/routes.py", "radiograph/standard_image.py", "PIL/Image.py"):
        assert (package / name).is_file(), name


def test_the_package_holds_nothing_that_the_proxy_does_not_need(package: Path) -> None:
    names = {str(path.relative_to(package)) for path in package.rglob("*")}
    assert not [name for name in names if "__pycache__" in name or "test" in name.lower().split("/")[0]]
    assert "radiograph/dicom.py" not in names
    assert "radiograph/phantom" not in names
    assert sum(path.stat().st_size for path in package.rglob("*") if path.is_file()) < LIMIT_BYTES


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
        lambda_asset.install("pillow==13.0.0", tmp_path / "package")
