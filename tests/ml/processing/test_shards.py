"""Shards make the data set that one machine makes, byte for byte."""

import importlib.metadata
import re
import sys
from pathlib import Path

import pytest

from ml.processing import bundle, container, records
from tests.imports import imported_modules
from tests.ml.conftest import write_collection, write_image

from .builders import one_machine, sharded


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection with a duplicate, an empty file, a file that is no image, and two files of one name."""
    folder = write_collection(tmp_path_factory.mktemp("source") / "images", 14)
    (folder / "train/NORMAL/empty.jpeg").write_bytes(b"")
    (folder / "LICENSE.txt").write_text("CC BY 4.0")
    first = folder / "train/NORMAL/IM-0001-0002.jpeg"
    (folder / "train/NORMAL/IM-0001-0099.jpeg").write_bytes(first.read_bytes())
    write_image(folder / "val/NORMAL/IM-0001-0002.jpeg", 7000)
    return folder


@pytest.fixture(scope="module")
def expected(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return one_machine(source, tmp_path_factory.mktemp("one"))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_instances_make_the_data_set_of_one_machine_byte_for_byte(
    source: Path, expected: dict[str, bytes], tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "PACK_IMAGES", 7)
    files = sharded(source, tmp_path / "work", count)
    assert sorted(files) == sorted(expected)
    assert [key for key in files if files[key] != expected[key]] == []
    assert sum(key.startswith("train/") for key in files) > 2 * 8


def test_a_pack_without_its_records_and_a_file_that_is_being_written_do_not_count(tmp_path: Path) -> None:
    folder = tmp_path / "packs"
    (folder / records.PARTIAL).mkdir(parents=True)
    with pytest.raises(KeyError), records.Finished(folder / "a.tar") as target:
        target.write_bytes(b"half")
        raise KeyError
    assert list(folder.glob("*.tar")) == []
    with records.Finished(folder / "b.tar") as target:
        target.write_bytes(b"whole")
    assert (folder / "b.tar").read_bytes() == b"whole"


def test_the_bootstrap_needs_the_standard_library_only() -> None:
    modules = imported_modules(Path(records.__file__).with_name("bootstrap.py"))
    assert {name.partition(".")[0] for name in modules} <= sys.stdlib_module_names


def test_the_packages_of_the_container_are_complete() -> None:
    needed = {
        re.split(r"[^\w.-]", text)[0].lower()
        for name in bundle.REQUIREMENTS
        for text in importlib.metadata.requires(name) or ()
        if "extra ==" not in text
    }
    assert needed <= set(bundle.REQUIREMENTS)
