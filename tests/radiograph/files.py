"""JPEG and PNG files, valid and hostile, made from one phantom."""

from __future__ import annotations

import functools
import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw

from radiograph.phantom import draw

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


@functools.cache
def image() -> Image.Image:
    return draw(seed=7, pneumonia=True)


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@functools.cache
def jpeg() -> bytes:
    return encoded(image(), "JPEG", quality=90)


@functools.cache
def png() -> bytes:
    return encoded(image(), "PNG")


def chunk(name: bytes, body: bytes) -> bytes:
    """Return a PNG chunk with its length and checksum (ISO 15948, 5.3)."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_header_chunk(width: int, height: int, bits: int = 8, interlace: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, interlace))


def png_with(*chunks: bytes) -> bytes:
    """Return the image's PNG with more chunks after its header."""
    return png()[:33] + b"".join(chunks) + png()[33:]


def segment(marker: int, body: bytes) -> bytes:
    """Return a JPEG marker segment (ISO 10918-1, B.1.1.4)."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def frame_header(width: int, height: int, bits: int = 8, components: int = 1) -> bytes:
    parts = b"".join(bytes((number + 1, 0x11, 0)) for number in range(components))
    return struct.pack(">BHHB", bits, height, width, components) + parts


def jpeg_of(*segments: bytes) -> bytes:
    """Return a JPEG of these segments and an empty scan."""
    return b"\xff\xd8" + b"".join(segments) + segment(0xDA, b"\1\1\0\0\x3f\0") + b"\0\xff\xd9"


def jpeg_with(*segments: bytes) -> bytes:
    """Return the image's JPEG with more segments at its start."""
    return jpeg()[:2] + b"".join(segments) + jpeg()[2:]


def without_segment(data: bytes, marker: int) -> bytes:
    start = data.index(bytes((0xFF, marker)))
    (length,) = struct.unpack_from(">H", data, start + 2)
    return data[:start] + data[start + 2 + length :]


def exif(orientation: int, order: str = ">") -> bytes:
    """Return an EXIF block with an orientation only."""
    magic = b"MM\0*" if order == ">" else b"II*\0"
    return magic + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


@functools.cache
def page_of_text() -> bytes:
    """Return a valid PNG file that shows a letter."""
    page = Image.new("L", (400, 500), 255)
    for line in range(20, 480, 24):
        ImageDraw.Draw(page).text((20, line), "A letter about an image, and no image. " * 2, fill=0)
    return encoded(page, "PNG")
