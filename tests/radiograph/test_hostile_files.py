"""A hostile file is read as an image or raises an ImageError with the right code."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from radiograph import CODES, MAX_BYTES, SIDE, ImageError, read_image, standardise
from tests.radiograph.files import (
    PNG_SIGNATURE,
    chunk,
    encoded,
    exif,
    frame_header,
    image,
    jpeg,
    jpeg_of,
    jpeg_with,
    png,
    png_header_chunk,
    png_with,
    segment,
)

# Every pixel once, and a filter byte for each row of the seven passes (ISO 15948, 8.2).
_ADAM7_BYTES_OF_300 = 300 * 300 + 38 + 38 + 37 + 75 + 75 + 150 + 150


def _interlaced(more: int = 0) -> bytes:
    return zlib.compress(bytes(_ADAM7_BYTES_OF_300 + more))


def _frames(form: str, **options: Any) -> bytes:
    return encoded(image(), form, save_all=True, append_images=[image().rotate(90)], **options)


def _sized(width: int, height: int, form: str = "PNG") -> bytes:
    return encoded(Image.new("L", (width, height), 90), form)


def _sequential_scans(number: int) -> bytes:
    """Return the image's sequential JPEG with more scans than its single component allows."""
    return jpeg().removesuffix(b"\xff\xd9") + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * number + b"\xff\xd9"


def _scans(number: int) -> bytes:
    """Return the image's progressive JPEG with empty scans at its end, which keep a decoder busy."""
    data = encoded(image(), "JPEG", progressive=True)
    return data[:-2] + segment(0xDA, b"\1\1\0\0\x3f\0") * number + b"\xff\xd9"


def _png_of(pixels: bytes, side: int = 300, interlace: int = 0) -> bytes:
    """Return a square grey PNG with these compressed pixels."""
    return PNG_SIGNATURE + png_header_chunk(side, side, interlace=interlace) + chunk(b"IDAT", pixels) + png()[-12:]


REJECTED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "nothing": ("empty", lambda: b""),
    "one byte": ("unsupported_format", lambda: b"\xff"),
    "a text": ("unsupported_format", lambda: b"this is not an image\n"),
    "a web page": ("unsupported_format", lambda: b"<!doctype html><html></html>"),
    "random bytes": ("unsupported_format", lambda: bytes(range(7, 250))),
    "GIF": ("unsupported_format", lambda: encoded(image(), "GIF")),
    "animated GIF": ("unsupported_format", lambda: _frames("GIF")),
    "BMP": ("unsupported_format", lambda: encoded(image(), "BMP")),
    "TIFF": ("unsupported_format", lambda: encoded(image(), "TIFF")),
    "TIFF of two pages": ("unsupported_format", lambda: _frames("TIFF")),
    "WebP": ("unsupported_format", lambda: encoded(image(), "WEBP")),
    "PDF": ("unsupported_format", lambda: b"%PDF-1.7\n"),
    "DICOM": ("unsupported_format", lambda: bytes(128) + b"DICM" + bytes(99)),
    "more bytes than Lambda takes": ("too_large", lambda: jpeg() + bytes(MAX_BYTES)),
    "JPEG, half of it": ("truncated", lambda: jpeg()[: len(jpeg()) // 2]),
    "JPEG without its end marker": ("truncated", lambda: jpeg()[:-2]),
    "JPEG whose second half is zeros": ("truncated", lambda: jpeg()[: len(jpeg()) // 2] + bytes(len(jpeg()) // 2)),
    "JPEG magic and no more": ("truncated", lambda: b"\xff\xd8\xff"),
    "JPEG of two frame headers": ("broken", lambda: jpeg_with(segment(0xC0, frame_header(300, 300)))),
    "JPEG scan without a frame": ("broken", jpeg_of),
    "JPEG without tables": ("broken", lambda: jpeg_of(segment(0xC0, frame_header(300, 300)))),
    "JPEG of no height": ("broken", lambda: jpeg_of(segment(0xC0, frame_header(300, 0)))),
    "JPEG frame header cut": ("broken", lambda: jpeg_of(segment(0xC0, b"\x08\0"))),
    "JPEG segment of length 0": ("broken", lambda: b"\xff\xd8\xff\xe0\0\0" + jpeg()),
    "JPEG of 12 bits": ("unsupported_encoding", lambda: jpeg_of(segment(0xC1, frame_header(300, 300, bits=12)))),
    "lossless JPEG": ("unsupported_encoding", lambda: jpeg_of(segment(0xC3, frame_header(300, 300)))),
    "JPEG of two components": ("unsupported_encoding", lambda: jpeg_of(segment(0xC0, frame_header(300, 300, 8, 2)))),
    "sequential grey JPEG of many scans": ("broken", lambda: _sequential_scans(100_000)),
    "JPEG of a thousand scans": ("too_complex", lambda: _scans(1000)),
    "JPEG of 5000 segments": ("too_complex", lambda: jpeg_with(segment(0xFE, b"") * 5000)),
    "JPEG bomb of 65500 x 65500": ("too_many_pixels", lambda: jpeg_of(segment(0xC0, frame_header(65500, 65500)))),
    "PNG, half of it": ("truncated", lambda: png()[: len(png()) // 2]),
    "PNG without its end": ("truncated", lambda: png()[:-12]),
    "PNG magic and no more": ("truncated", lambda: PNG_SIGNATURE),
    "PNG with less data than its size": ("truncated", lambda: _png_of(zlib.compress(bytes(301 * 150)))),
    "PNG whose data stops": ("truncated", lambda: _png_of(zlib.compress(image().tobytes())[:9999])),
    "interlaced PNG with less data": ("truncated", lambda: _png_of(_interlaced(-1), interlace=1)),
    "PNG without data": ("truncated", lambda: PNG_SIGNATURE + png_header_chunk(300, 300) + png()[-12:]),
    "PNG with a wrong checksum": ("broken", lambda: png()[:29] + b"\0\0\0\0" + png()[33:]),
    "PNG whose data is not zlib": ("broken", lambda: _png_of(b"no zlib stream")),
    "PNG of 3 bits": ("broken", lambda: PNG_SIGNATURE + png_header_chunk(300, 300, bits=3) + png()[33:]),
    "PNG of width 0": ("broken", lambda: PNG_SIGNATURE + png_header_chunk(0, 300) + png()[33:]),
    "PNG without header chunk": ("broken", lambda: PNG_SIGNATURE + chunk(b"IDAT", bytes(40)) + png()[-12:]),
    "PNG bomb of 30000 x 30000": ("too_many_pixels", lambda: _png_of(bytes(99), side=30000)),
    "PNG of 200000 chunks": ("too_complex", lambda: png_with(chunk(b"tEXt", b"") * 200_000)),
    "animated PNG": ("multi_frame", lambda: _frames("PNG")),
    "one pixel": ("too_small", lambda: _sized(1, 1)),
    "a thumbnail": ("too_small", lambda: _sized(63, 400, "JPEG")),
    "a strip": ("too_elongated", lambda: _sized(2000, 70)),
}  # fmt: skip

ACCEPTED: dict[str, Callable[[], bytes]] = {
    "grey JPEG": jpeg,
    "grey PNG": png,
    "colour JPEG": lambda: encoded(image().convert("RGB"), "JPEG"),
    "progressive JPEG": lambda: encoded(image(), "JPEG", progressive=True),
    "CMYK JPEG": lambda: encoded(image().convert("CMYK"), "JPEG"),
    "JPEG with a thumbnail's trailer": lambda: jpeg() + jpeg()[:2000],
    "JPEG of two pictures": lambda: _frames("MPO"),
    "JPEG with broken EXIF": lambda: jpeg_with(segment(0xE1, b"Exif\0\0" + exif(6)[:12])),
    "JPEG with fill bytes": lambda: jpeg()[:2] + b"\xff" * 9 + jpeg()[2:],
    "JPEG with 60 kB of comment": lambda: jpeg_with(segment(0xFE, b"x" * 60_000)),
    "16-bit PNG": lambda: encoded(image().convert("I").point(lambda value: value * 257).convert("I;16"), "PNG"),
    "palette PNG": lambda: encoded(image().convert("P"), "PNG"),
    "palette PNG with transparent entries": lambda: encoded(image().convert("P"), "PNG", transparency=b"\0\x80" * 9),
    "grey and alpha PNG": lambda: encoded(image().convert("LA"), "PNG"),
    "colour and alpha PNG": lambda: encoded(image().convert("RGBA"), "PNG"),
    "PNG with a transparent grey": lambda: png_with(chunk(b"tRNS", b"\0\x05")),
    "PNG with gamma and significant bits": lambda: png_with(chunk(b"gAMA", b"\0\0\xb1\x8f"), chunk(b"sBIT", b"\x08")),
    "bilevel PNG": lambda: encoded(image().convert("1"), "PNG"),
    "PNG with a text bomb": lambda: png_with(chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000), 9))),
    "PNG with 3 MB of text": lambda: png_with(chunk(b"tEXt", b"Comment\0" + b"x" * 3_000_000)),
    "PNG with a broken profile": lambda: png_with(chunk(b"iCCP", b"profile\0\0no zlib stream")),
    "interlaced PNG": lambda: _png_of(_interlaced(), interlace=1),
    "PNG with a trailer": lambda: png() + b"trailer" * 99,
    "smallest": lambda: _sized(64, 64),
    "longest": lambda: _sized(320, 64),
}


@pytest.mark.parametrize("name", REJECTED)
def test_a_hostile_file_is_refused_with_its_code_and_one_sentence(name: str) -> None:
    code, make = REJECTED[name]
    data = make()
    for function in (read_image, standardise):
        with warnings.catch_warnings(), pytest.raises(ImageError) as caught:
            warnings.simplefilter("error")
            function(data)
        assert caught.value.code == code
        assert str(caught.value).endswith(".")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_unusual_but_valid_file_becomes_an_image(name: str) -> None:
    data = ACCEPTED[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = read_image(data)
        standard = standardise(data)
    assert image.mode == "L"
    assert min(image.size) >= 64
    assert standard.size == (SIDE, SIDE)


def test_every_code_has_a_test() -> None:
    assert set(CODES) - {code for code, _ in REJECTED.values()} == {
        "wrong_modality",  # test_dicom.py
        "wrong_view",
        "no_pixels",
        "not_a_radiograph",  # test_frontal_check.py
    }
