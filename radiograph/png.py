"""PNG headers (ISO 15948, clauses 5 and 11): size, frames, orientation and completeness without decoding."""

from __future__ import annotations

import struct
from typing import Final

from radiograph.errors import FilmError
from radiograph.header import Header, exif_orientation
from radiograph.limits import check_size

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PIXELS: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_MAX_CHUNKS: Final = 100_000


def png_header(data: bytes) -> Header:
    """Check a PNG file's chunks; width and height are compared with the limits here.

    Raises FilmError: broken, truncated, multi_frame (APNG), too_complex, and the sizes of `check_size`.
    """
    width, height = _size(data)
    kept = [_SIGNATURE]
    orientation = 1
    position = len(_SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if position + 12 > len(data):
            raise _truncated()
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            raise _truncated()
        if name == b"acTL":
            raise FilmError("multi_frame", "Received an animated PNG image; one still film is allowed: save one frame.")
        if name == b"eXIf":
            orientation = exif_orientation(data[position + 8 : end - 4])
        if name in _PIXELS:
            kept.append(data[position:end])
        if name == b"IEND":
            return Header(width, height, orientation, b"".join(kept))
        position = end
    raise FilmError("too_complex", f"Received a PNG image of over {_MAX_CHUNKS:,} chunks; save the film anew.")


def _size(data: bytes) -> tuple[int, int]:
    if len(data) < 33:
        raise _truncated()
    length, name, width, height = struct.unpack_from(">I4sII", data, 8)
    if (length, name) != (13, b"IHDR") or width == 0 or height == 0:
        raise FilmError(
            "broken",
            "Received a broken PNG image (its header chunk is wrong); export the film again and send that file.",
        )
    check_size(width, height)
    return width, height


def _truncated() -> FilmError:
    return FilmError(
        "truncated", "Received a PNG image whose end is missing; copy or upload the whole file again and retry."
    )
