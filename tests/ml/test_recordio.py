"""RecordIO: what is written is what another implementation of the format reads."""

import struct
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from localaws.image_classification import records
from localaws.image_classification.errors import ClientError
from ml.dataset import recordio

MAGIC = b"\x0a\x23\xd7\xce"
BODIES = st.lists(st.one_of(st.binary(max_size=6), st.just(MAGIC)), max_size=8).map(b"".join)


def written(tmp_path: Path, images: list[tuple[int, bytes]]) -> Path:
    """Write images of these bytes; return the .rec."""
    sources = []
    for number, (label, body) in enumerate(images):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(body)
        sources.append((label, path))
    recordio.write(sources, tmp_path / "train.rec")
    return tmp_path / "train.rec"


@given(st.lists(BODIES, max_size=5))
@example([MAGIC, MAGIC * 2, b"x" + MAGIC, b"abcd" + MAGIC + b"ef", b""])
def test_records_read_back_whatever_is_in_them(tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("records")
    images = [(number % 2, body) for number, body in enumerate(bodies)]
    decoded = list(records.read_records(written(folder, images)))
    assert [struct.unpack("<IfQQ", record[:24]) for record in decoded] == [
        (0, float(label), number, 0) for number, (label, _) in enumerate(images)
    ]
    assert [record[24:] for record in decoded] == bodies


@given(st.lists(BODIES, min_size=1, max_size=5))
def test_the_magic_number_stands_at_a_multiple_of_four_only_where_a_part_begins(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes]
) -> None:
    data = written(tmp_path_factory.mktemp("records"), [(0, body) for body in bodies]).read_bytes()
    begins, position = set(), 0
    while position < len(data):
        begins.add(position)
        _, _, position = records.next_part(data, position, "train.rec")
    assert {start for start in range(0, len(data), 4) if data[start : start + 4] == MAGIC} == begins


def test_the_index_says_where_each_record_begins(tmp_path: Path) -> None:
    data = written(tmp_path, [(0, b"first"), (1, MAGIC * 3), (1, b"third")])
    lines = (tmp_path / "train.idx").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == ["0", "1", "2"]
    for line in lines:
        position = int(line.split("\t")[1])
        assert data.read_bytes()[position : position + 4] == MAGIC


def test_the_bytes_of_a_record_are_those_of_dmlc_core(tmp_path: Path) -> None:
    """Header and payload by hand, from include/dmlc/recordio.h: magic, flag and length, label, id, padding."""
    data = written(tmp_path, [(1, b"jpg")]).read_bytes()
    header = bytes.fromhex("00000000" + "0000803f" + "00" * 16)
    assert data == MAGIC + (27).to_bytes(4, "little") + header + b"jpg" + b"\0"


def test_a_record_that_holds_the_magic_number_is_cut_there(tmp_path: Path) -> None:
    data = written(tmp_path, [(0, b"abcd" + MAGIC + b"ef")]).read_bytes()
    first, last = (1 << 29 | 28).to_bytes(4, "little"), (3 << 29 | 2).to_bytes(4, "little")
    assert data == MAGIC + first + bytes(24) + b"abcd" + MAGIC + last + b"ef\0\0"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-6], "train.rec ends within a record"),
        (lambda data: data[:5], "train.rec ends within a record"),
        (lambda data: b"\x89PNG" + data, "has no record at byte 0"),
        (lambda data: data[:4] + (1 << 29 | 32).to_bytes(4, "little") + data[8:], "ends within a record"),
    ],
)
def test_a_broken_record_file_is_refused_with_its_name(tmp_path: Path, damage: object, message: str) -> None:
    path = written(tmp_path, [(0, b"12345678")])
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(ClientError, match=message):
        list(records.read_records(path))
