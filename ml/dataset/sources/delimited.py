"""Read comma-, semicolon- and tab-separated files, also compressed with gzip, in UTF-8 or UTF-16."""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ml.errors import UserError

SUFFIX = re.compile(r"\.(csv|tsv)(\.gz)?$", re.IGNORECASE)
"""The end of a table's file name."""
GZIP = b"\x1f\x8b"


class Delimited(NamedTuple):
    """The content of a table.

    Attributes:
        header: names of the columns as written.
        keys: the columns' keys.
        lines: line number, and values by the column's key; lines without any value are skipped.
    """

    header: list[str]
    keys: list[str]
    lines: Sequence[tuple[int, Mapping[str, str]]]


def key_of(name: str) -> str:
    """Return a column's key: the lower-case letters and digits of its name."""
    return re.sub(r"[^a-z0-9]+", "", name.lower())


def is_hint(line: str) -> bool:
    """Return whether a line is Excel's hint at the delimiter, such as sep=;."""
    return line.lower().startswith("sep=")


def encoding_of(data: bytes) -> str:
    """Return the encoding of a table: UTF-16 if it begins with its mark or has a zero byte in its first character."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return {b"\0": "utf-16-be"}.get(data[:1]) or {b"\0": "utf-16-le"}.get(data[1:2], "utf-8-sig")


def read_delimited(path: Path) -> Delimited:
    """Return the content of a table; its header shows the delimiter.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        data = path.read_bytes()
        if data.startswith(GZIP):
            data = gzip.decompress(data)
        text = data.decode(encoding_of(data))
        first_line = next((line for line in text.splitlines() if line.strip(",;\t ") and not is_hint(line)), "")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first_line.count))
        filled = (values for values in reader if any(value.strip() for value in values) and not is_hint(values[0]))
        header = [name.strip() for name in next(filled, [])]
        keys = [key_of(name) for name in header]
        lines = [
            (reader.line_num, dict.fromkeys(keys, "") | dict(zip(keys, map(str.strip, values), strict=False)))
            for values in filled
        ]
    except (OSError, EOFError, zlib.error, UnicodeError, csv.Error) as error:
        raise UserError(
            f"{path} cannot be read as a table in UTF-8 or UTF-16: {error}. Save it as CSV in UTF-8.", 2
        ) from error
    return Delimited(header, keys, lines)
