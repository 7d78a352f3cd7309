"""What is inside a zip archive becomes files of the batch, and nothing inside can hurt."""

import contextlib
import random
import zipfile
from dataclasses import dataclass
from io import BytesIO

import pytest

from frontend import archive
from frontend.archive import ArchiveError, items_of


@dataclass
class File:
    """An uploaded file."""

    name: str
    data: bytes
    file_id: str = "id"

    def getvalue(self) -> bytes:
        return self.data


def zipped(entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as opened:
        for name, data in entries.items():
            opened.writestr(name, data)
    return buffer.getvalue()


def test_archives_and_single_files_become_one_list() -> None:
    found = items_of([File("a.jpg", b"image"), File("b.zip", zipped({"x/1.png": b"one", "2.dcm": b"two"}), "zip")])
    assert [(item.name, item.read()) for item in found] == [("a.jpg", b"image"), ("x/1.png", b"one"), ("2.dcm", b"two")]
    assert len({item.key for item in found}) == 3


def test_what_file_managers_leave_is_passed_over() -> None:
    data = zipped({"__MACOSX/._a.jpg": b"x", ".DS_Store": b"x", "f/Thumbs.db": b"x", "f/": b"", "f/a.jpg": b"image"})
    assert [item.name for item in items_of([File("a.zip", data)])] == ["f/a.jpg"]


def test_an_archive_that_is_none_is_a_reason_and_not_a_crash() -> None:
    (item,) = items_of([File("a.zip", b"PK\x03\x04 nothing")])
    with pytest.raises(ArchiveError, match="zip the images again"):
        item.read()


def test_a_broken_entry_is_a_reason_of_its_own() -> None:
    data = bytearray(zipped({"a.jpg": b"image" * 100, "b.jpg": b"image"}, zipfile.ZIP_STORED))
    data[60] ^= 255
    broken, sound = items_of([File("a.zip", bytes(data))])
    with pytest.raises(ArchiveError, match="cannot be unpacked"):
        broken.read()
    assert sound.read() == b"image"


def test_an_encrypted_entry_says_so() -> None:
    data = bytearray(zipped({"a.jpg": b"image"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    (item,) = items_of([File("a.zip", bytes(data))])
    with pytest.raises(ArchiveError, match="without a password"):
        item.read()


def test_no_entry_is_unpacked_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILE_BYTES", 1000)
    (item,) = items_of([File("a.zip", zipped({"bomb.png": bytes(100_000)}))])
    with pytest.raises(ArchiveError, match="more than 1,000 bytes"):
        item.read()


def test_too_many_files_are_refused_with_both_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_FILES", 2)
    with pytest.raises(ArchiveError, match=r"Received 3 files; at most 2"):
        items_of([File("a.zip", zipped({f"{number}.jpg": b"x" for number in range(3)}))])


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_anywhere_is_a_reason_and_never_a_crash(compression: int) -> None:
    whole = zipped({"f\u00fcnf.jpeg": bytes(range(256)) * 4, "b.jpeg": b"b" * 300}, compression)
    rng = random.Random(0)  # noqa: S311 (it makes damage, not secrets)
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(4, len(damaged))] = rng.randrange(256)
        try:
            items = items_of([File("images.zip", bytes(damaged))])
        except ArchiveError:
            continue
        for item in items:
            with contextlib.suppress(ArchiveError):
                item.read()
