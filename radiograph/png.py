"""Check PNG headers (ISO 15948, clauses 5 and 11): size, frames, orientation and completeness, without decoding."""

from __future__ import annotations

import struct
import zlib
from typing import Final

from radiograph.errors import ImageError
from radiograph.header import Header, exif_orientation, xmp_orientation
from radiograph.limits import check_size

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PIXELS: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_XMP: Final = b"XML:com.adobe.xmp\0\0"  # not compressed, as the XMP specification recommends
_MAX_CHUNKS: Final = 100_000
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def png_header(data: bytes) -> Header:
    """Check a PNG file's chunks and its size in pixels, and return its header.

    Raises ImageError: broken, truncated, multi_frame (APNG), too_complex, and the codes of `check_size`.
    """
    width, height, length = _start(data)
    chunks, pixels = [_SIGNATURE], []
    exif, xmp = 0, 0
    position = len(_SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        name, body, end = _chunk(data, position)
        if name == b"acTL":
            raise ImageError(
                "multi_frame", "Received an animated PNG image; one still image is allowed: save one frame."
            )
        if name == b"eXIf":
            exif = exif_orientation(body)
        if name == b"iTXt" and body.startswith(_XMP):
            xmp = xmp_orientation(body)
        if name == b"IDAT":
            pixels.append(body)
        if name in _PIXELS:
            chunks.append(data[position:end])
        if name == b"IEND":
            _check_length(pixels, length)
            return Header(width, height, exif or xmp or 1, b"".join(chunks))
        position = end
    raise ImageError("too_complex", f"Received a PNG image of over {_MAX_CHUNKS:,} chunks; save the image again.")


def _chunk(data: bytes, position: int) -> tuple[bytes, bytes, int]:
    """Return name, body and end of the chunk at `position`. The decoder checks the checksums."""
    if position + 12 > len(data):
        raise _truncated()
    length, name = struct.unpack_from(">I4s", data, position)
    end = position + 12 + length
    if end > len(data):
        raise _truncated()
    return name, data[position + 8 : end - 4], end


def _start(data: bytes) -> tuple[int, int, int]:
    """Return width, height, and the number of bytes of the uncompressed pixels."""
    if len(data) < 33:
        raise _truncated()
    length, name, width, height, bits, colour, _, _, interlace = struct.unpack_from(">I4sIIBBBBB", data, 8)
    if (length, name) != (13, b"IHDR") or width == 0 or height == 0 or colour not in _CHANNELS or interlace > 1:
        raise _broken("its header chunk is wrong")
    check_size(width, height)
    passes = _ADAM7 if interlace else ((0, 0, 1, 1),)
    total = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        total += rows * (1 + (columns * bits * _CHANNELS[colour] + 7) // 8)
    return width, height, total


def _check_length(pixels: list[bytes], length: int) -> None:
    """Reject a complete file with incomplete pixels. Decoders leave the missing pixels black and raise no error."""
    stream = zlib.decompressobj()
    try:
        for part in pixels:
            remaining = part
            while remaining and length > 0:
                length -= len(stream.decompress(remaining, 1 << 20))
                remaining = stream.unconsumed_tail
    except zlib.error as error:
        raise _broken("its pixel data cannot be decompressed") from error
    if length > 0:
        raise _truncated()


def _broken(reason: str) -> ImageError:
    return ImageError("broken", f"Received a broken PNG image ({reason}); export the image again and send that file.")


def _truncated() -> ImageError:
    return ImageError("truncated", "Received a PNG image whose end is missing; copy or upload the whole file again.")
