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


def read_delimited(path: Path) -> Delimited:
    """Return the content of a table; its header shows the delimiter.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        data = path.read_bytes()
        if data.startswith(GZIP):
            data = gzip.decompress(data)
        utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
        first_line = text.split("\n", 1)[0]
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first_line.count))
        header = [name.strip() for name in next(reader, [])]
        keys = [key_of(name) for name in header]
        lines = [
            (reader.line_num, dict.fromkeys(keys, "") | dict(zip(keys, map(str.strip, values), strict=False)))
            for values in reader
            if any(value.strip() for value in values)
        ]
    except (OSError, EOFError, zlib.error, UnicodeError, csv.Error) as error:
        raise UserError(
            f"{path} cannot be read as a table in UTF-8 or UTF-16: {error}. Save it as CSV in UTF-8.", 2
        ) from error
    return Delimited(header, keys, lines)
