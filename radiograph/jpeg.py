"""Check JPEG headers (ISO 10918-1, Annex B): size, precision, orientation and completeness, without decoding."""

from __future__ import annotations

import struct
from typing import Final

from radiograph.errors import ImageError
from radiograph.header import Header, exif_orientation, xmp_orientation
from radiograph.limits import check_size

_SOS: Final = 0xDA
_EOI: Final = 0xD9
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_DECODABLE: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_SEQUENTIAL: Final = frozenset({0xC0, 0xC1, 0xC9})
_TABLES: Final = frozenset({0xC4, 0xCC, 0xDB, 0xDD})
# JFIF and Adobe tell the decoder the colour transform and the polarity of CMYK; other APPn only carry metadata.
_COLOUR: Final = frozenset({0xE0, 0xEE})
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_MAX_SEGMENTS: Final = 4096
# A progressive file has about ten scans. Thousands of empty scans of a large frame keep a decoder busy for minutes.
_MAX_SCANS: Final = 100


def jpeg_header(data: bytes) -> Header:
    """Check a JPEG file's headers and its size in pixels, and return them.

    Raises ImageError: broken, truncated, unsupported_encoding, too_complex, and the codes of `check_size`.
    """
    segments = [b"\xff\xd8"]
    exif, xmp, frame, single_scan = 0, 0, None, False
    position = 2
    for _ in range(_MAX_SEGMENTS):
        marker, body, end = _segment(data, position)
        if marker == _SOS:
            if frame is None:
                raise _broken("its image data starts before its size is given")
            if not single_scan:
                _check_scans(data, position)
            return Header(*frame, exif or xmp or 1, b"".join(segments) + data[position:])
        if marker in _FRAMES:
            if frame is not None:
                raise _broken("it gives its size twice")
            frame = _frame(marker, body)
            # One component has one sequential scan (B.2.3). Decoders stop after it, so there is no need to count scans.
            single_scan = marker in _SEQUENTIAL and body[5] == 1
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            exif = exif or exif_orientation(body[6:])
        if marker == 0xE1 and body.startswith(_XMP):
            xmp = xmp or xmp_orientation(body)
        if marker in _FRAMES or marker in _TABLES or marker in _COLOUR:
            segments.append(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body)
        position = end
    raise ImageError(
        "too_complex", f"Received a JPEG image of over {_MAX_SEGMENTS:,} header segments; save the image again."
    )


def _segment(data: bytes, position: int) -> tuple[int, bytes, int]:
    """Return marker, payload and end of the segment at `position`. The payload of SOS is left out."""
    while data[position : position + 2] == b"\xff\xff":  # fill bytes are legal before any marker (B.1.1.2)
        position += 1
    if position + 4 > len(data):
        raise _truncated()
    lead, marker, length = struct.unpack_from(">BBH", data, position)
    if lead != 0xFF or marker in (0x00, 0x01, 0xD8, _EOI) or 0xD0 <= marker <= 0xD7 or length < 2:
        raise _broken("its header segments do not follow one another")
    end = position + 2 + length
    if end > len(data):
        raise _truncated()
    return marker, b"" if marker == _SOS else data[position + 4 : end], end


def _frame(marker: int, body: bytes) -> tuple[int, int]:
    if len(body) < 6:
        raise _broken("its frame header is too short")
    precision, height, width, components = struct.unpack_from(">BHHB", body)
    if width == 0 or height == 0:
        raise _broken("it gives no width or height")
    check_size(width, height)
    if precision != 8 or marker not in _DECODABLE or components not in (1, 3, 4):
        raise ImageError(
            "unsupported_encoding",
            f"Received a JPEG image of {precision} bits, {components} components and coding process "
            f"SOF{marker - 0xC0}; baseline and progressive JPEG of 8 bits are allowed: save it as PNG.",
        )
    return width, height


def _check_scans(data: bytes, start: int) -> None:
    # Inside entropy-coded data 0xFF is always followed by 0x00 or a restart marker: these are real markers.
    if (scans := data.count(b"\xff\xda", start)) > _MAX_SCANS:
        raise ImageError(
            "too_complex",
            f"Received a JPEG image of {scans:,} scans; at most {_MAX_SCANS} are allowed: save the image again.",
        )


def _broken(reason: str) -> ImageError:
    return ImageError("broken", f"Received a broken JPEG image ({reason}); export the image again and send that file.")


def _truncated() -> ImageError:
    return ImageError("truncated", "Received a JPEG image whose end is missing; copy or upload the whole file again.")
