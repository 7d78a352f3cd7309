"""What an image file's headers say, read before anything is decoded."""

from __future__ import annotations

import re
import struct
from typing import Final, NamedTuple

_ORIENTATION: Final = 0x0112
_XMP_ORIENTATION: Final = re.compile(rb"""tiff:Orientation\s*(?:=\s*["']|>)\s*([1-8])\s*["'<]""")


class Header(NamedTuple):
    """A checked file, reduced to what the decoder needs.

    `width` and `height` are in stored pixels, before `orientation` (EXIF 1 to 8; 1 is upright) is applied.
    `stream` is the file without text, profiles and thumbnails, which the decoder never sees.
    """

    width: int
    height: int
    orientation: int
    stream: bytes


def exif_orientation(exif: bytes) -> int:
    """Return orientation 1 to 8 from an EXIF block (JEITA CP-3451, tag 0x0112), or 0 if it is absent or broken.

    A broken EXIF block does not reject an image: cameras and converters write them, and the pixels are intact.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 0
    try:
        (directory,) = struct.unpack_from(order + "I", exif, 4)
        (entries,) = struct.unpack_from(order + "H", exif, directory)
        for index in range(entries):
            tag, field_type, _, value = struct.unpack_from(order + "HHIH", exif, directory + 2 + 12 * index)
            if tag == _ORIENTATION:
                return value if field_type == 3 and 1 <= value <= 8 else 0
    except struct.error:
        return 0
    return 0


def xmp_orientation(xmp: bytes) -> int:
    """Return orientation 1 to 8 from an XMP packet (property tiff:Orientation), or 0 if it has none.

    As in Pillow, it counts only where EXIF gives no orientation.
    """
    match = _XMP_ORIENTATION.search(xmp)
    return int(match[1]) if match else 0
