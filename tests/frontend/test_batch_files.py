"""The files of a zip archive become files of the batch, and a hostile archive does no harm."""

import contextlib
import random
import zipfile
from dataclasses import dataclass

import pytest

from frontend import batch_files as module
from frontend.batch_files import ArchiveError, batch_files

from .builders import zipped


@dataclass
class File:
    """An uploaded file."""

    name: str
    data: bytes
    file_id: str = "id"

    def getvalue(self) -> bytes:
        return self.data


def test_archives_and_single_files_become_one_list() -> None:
    files = batch_files([File("a.jpg", b"image"), File("b.zip", zipped({"x/1.png": b"one", "2.dcm": b"two"}), "zip")])
    assert [(file.name, file.read()) for file in files] == [("a.jpg", b"image"), ("x/1.png", b"one"), ("2.dcm", b"two")]
    assert len({file.key for file in files}) == 3


def test_files_of_file_managers_are_ignored() -> None:
    data = zipped({"__MACOSX/._a.jpg": b"x", ".DS_Store": b"x", "f/Thumbs.db": b"x", "f/": b"", "f/a.jpg": b"image"})
    assert [file.name for file in batch_files([File("a.zip", data)])] == ["f/a.jpg"]


def test_a_broken_archive_is_an_error_of_its_file() -> None:
    (file,) = batch_files([File("a.zip", b"PK\x03\x04 nothing")])
    with pytest.raises(ArchiveError, match="broken"):
        file.read()


def test_a_broken_entry_does_not_affect_the_others() -> None:
    data = bytearray(zipped({"a.jpg": b"image" * 100, "b.jpg": b"image"}, zipfile.ZIP_STORED))
    data[60] ^= 255
    broken, sound = batch_files([File("a.zip", bytes(data))])
    with pytest.raises(ArchiveError, match="cannot be unpacked"):
        broken.read()
    assert sound.read() == b"image"


def test_an_encrypted_entry_is_named_as_such() -> None:
    data = bytearray(zipped({"a.jpg": b"image"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    (file,) = batch_files([File("a.zip", bytes(data))])
    with pytest.raises(ArchiveError, match="password"):
        file.read()


def test_no_entry_is_unpacked_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 1000)
    (file,) = batch_files([File("a.zip", zipped({"bomb.png": bytes(100_000)}))])
    with pytest.raises(ArchiveError, match="1,000"):
        file.read()


def test_too_many_files_are_rejected_with_both_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 2)
    with pytest.raises(ArchiveError, match=r"3 .*2 "):
        batch_files([File("a.zip", zipped({f"{number}.jpg": b"x" for number in range(3)}))])


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_anywhere_is_an_archive_error(compression: int) -> None:
    whole = zipped({"f\u00fcnf.jpeg": bytes(range(256)) * 4, "b.jpeg": b"b" * 300}, compression)
    rng = random.Random(0)  # noqa: S311 (it makes damage, not secrets)
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(4, len(damaged))] = rng.randrange(256)
        try:
            files = batch_files([File("images.zip", bytes(damaged))])
        except ArchiveError:
            continue
        for file in files:
            with contextlib.suppress(ArchiveError):
                file.read()
