"""Write RecordIO files for MXNet: records of a header with the label and an encoded image.

Format: dmlc-core `include/dmlc/recordio.h` (frames) and MXNet `python/mxnet/recordio.py` (IRHeader, .idx). Everything
is little-endian.
"""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ml import atomic

MAGIC = struct.pack("<I", 0xCED7230A)
MAX_LENGTH = (1 << 29) - 1
"""Bytes of one part of a record; the upper three bits of its length word are the flag."""
WHOLE, FIRST, MIDDLE, LAST = 0, 1, 2, 3
HEADER = struct.Struct("<IfQQ")
"""IRHeader: flag 0 (one label), label, id, id2."""


def frames(record: bytes) -> Iterator[bytes]:
    """Yield the parts of a record as in the file.

    A reader finds records by the magic number at multiples of four. A record that contains it there is cut at it; the
    reader puts it back between the parts.

    Raises:
        ValueError: the record is longer than 2^29 - 1 bytes.
    """
    if len(record) > MAX_LENGTH:
        raise ValueError(f"A record of {len(record):,} bytes is too long; at most {MAX_LENGTH:,} are allowed.")
    parts = split_at_magic(record)
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        flag = (WHOLE if len(parts) == 1 else LAST) if last else (FIRST if number == 0 else MIDDLE)
        yield MAGIC + struct.pack("<I", flag << 29 | len(part)) + part + bytes(-len(part) % 4)


def split_at_magic(record: bytes) -> list[bytes]:
    """Return the parts of a record between magic numbers at multiples of four."""
    parts, start, position = [], 0, record.find(MAGIC)
    while position != -1:
        if position % 4 == 0:
            parts.append(record[start:position])
            start = position + 4
        position = record.find(MAGIC, position + (4 if position % 4 == 0 else 1))
    return [*parts, record[start:]]


def pack(index: int, label: int, image: bytes) -> bytes:
    """Return the record of an encoded image."""
    return HEADER.pack(0, float(label), index, 0) + image


def write(images: Iterable[tuple[int, Path]], records: Path) -> Path:
    """Write images to `records` (.rec), and beside it the .idx with the position of each.

    Args:
        images: label and file of each, in the order of the list.

    Returns:
        The path of the .idx: `index<TAB>position`, one line a record.
    """
    index = records.with_suffix(".idx")
    records.parent.mkdir(parents=True, exist_ok=True)
    with (
        atomic.replacing(records) as new_records,
        atomic.replacing(index) as new_index,
        new_records.open("wb") as rec,
        new_index.open("w", encoding="ascii") as idx,
    ):
        for number, (label, path) in enumerate(images):
            idx.write(f"{number}\t{append(rec, pack(number, label, path.read_bytes()))}\n")
    return index


def append(file: BinaryIO, record: bytes) -> int:
    """Write one record at the end of a file; return the position at which it begins."""
    position = file.tell()
    file.writelines(frames(record))
    return position
