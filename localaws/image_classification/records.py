"""RecordIO channels: the images and classes of one `.rec` file."""

import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from localaws.image_classification.errors import ClientError
from network.images import EncodedImage

MAGIC = 0xCED7230A
HEADER = struct.Struct("<IfQQ")


def read_channel(root: Path, channel: str, num_classes: int) -> list[tuple[EncodedImage, int]]:
    """Read the one `.rec` of a channel: (image, class) in the order of the file.

    Raises:
        ClientError: no .rec file or several, a broken file, or a label out of range.
    """
    files = sorted((root / "input/data" / channel).rglob("*.rec"))
    if len(files) != 1:
        raise ClientError(f"Customer Error: Expected one .rec file in the {channel} channel, found {len(files)}.")
    examples = []
    for number, record in enumerate(read_records(files[0])):
        if len(record) < HEADER.size:
            raise ClientError(f"Customer Error: Record {number} of {files[0].name} is shorter than its header.")
        flag, label, _, _ = HEADER.unpack_from(record)
        if flag or label != int(label) or not 0 <= label < num_classes:
            raise ClientError(
                f"Customer Error: Record {number} of {files[0].name} has label {label:g} (flag {flag}); one label "
                f"from 0 to {num_classes - 1} is allowed."
            )
        examples.append(
            (EncodedImage(f"record {number} of {files[0].name}", BytesIO(record[HEADER.size :])), int(label))
        )
    return examples


def read_records(path: Path) -> Iterator[bytes]:
    """Yield the records of a file with their parts joined.

    Raises:
        ClientError: the file is not a RecordIO file or ends within a record.
    """
    data = path.read_bytes()
    position, parts = 0, []
    while position < len(data):
        flag, part, position = next_part(data, position, path.name)
        parts.append(part)
        if flag in (0, 3):
            yield struct.pack("<I", MAGIC).join(parts)
            parts = []
    if parts:
        raise ClientError(f"Customer Error: {path.name} ends within a record; write it again.")


def next_part(data: bytes, position: int, name: str) -> tuple[int, bytes, int]:
    """Return the flag and bytes of the part at a position, and the position after it."""
    if position + 8 > len(data):
        raise ClientError(f"Customer Error: {name} ends within a record; write it again.")
    magic, word = struct.unpack_from("<II", data, position)
    if magic != MAGIC:
        raise ClientError(f"Customer Error: {name} has no record at byte {position}; it is not a RecordIO file.")
    start, length = position + 8, word & ((1 << 29) - 1)
    if start + length > len(data):
        raise ClientError(f"Customer Error: {name} ends within a record; write it again.")
    return word >> 29, data[start : start + length], start + length + -length % 4
