"""An image is read upright, in 8-bit grey, from every supported encoding."""

from __future__ import annotations

import base64
import pickle
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageOps

from radiograph import ImageError, media_type, read_image
from radiograph.header import exif_orientation
from tests.radiograph.files import (
    PNG_SIGNATURE,
    chunk,
    encoded,
    exif,
    image,
    jpeg,
    jpeg_with,
    png,
    png_with,
    segment,
    without_segment,
)


def _grey(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.int16)


def _sixteen(values: np.ndarray) -> bytes:
    return encoded(Image.fromarray(values.astype(np.uint16)), "PNG")


def _ramp(peak: int) -> np.ndarray:
    return np.linspace(0, peak, 100 * 100).round().reshape(100, 100)


def test_a_grey_image_is_read_exactly() -> None:
    assert read_image(png()).tobytes() == image().tobytes()


@pytest.mark.parametrize("mode", ["RGB", "LA", "RGBA"])
def test_grey_stored_in_other_modes_is_read_exactly(mode: str) -> None:
    assert read_image(encoded(image().convert(mode), "PNG")).tobytes() == image().tobytes()


def test_a_colour_jpeg_of_a_grey_image_differs_from_it_by_its_compression_only() -> None:
    read = read_image(encoded(image().convert("RGB"), "JPEG", quality=95))
    assert np.abs(_grey(read) - _grey(image())).mean() < 2


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_a_16_bit_image_is_scaled_by_the_bits_in_use(bits: int) -> None:
    values = _ramp(2**bits - 1)
    read = read_image(_sixteen(values))
    assert np.array_equal(_grey(read), values.astype(int) >> (bits - 8))


def test_transparent_pixels_are_black() -> None:
    layered = Image.merge("LA", (Image.new("L", (100, 100), 200), Image.new("L", (100, 100), 0)))
    assert read_image(encoded(layered, "PNG")).getextrema() == (0, 0)


def test_a_transparent_palette_entry_is_black() -> None:
    indexed = Image.new("P", (100, 100), 1)
    indexed.putpalette([0, 0, 0, 255, 255, 255])
    assert read_image(encoded(indexed, "PNG")).getextrema() == (255, 255)
    assert read_image(encoded(indexed, "PNG", transparency=b"\xff\x00")).getextrema() == (0, 0)


def test_a_bilevel_image_is_black_and_white() -> None:
    half = Image.new("1", (100, 100))
    half.paste(1, (0, 0, 50, 100))
    assert sorted(set(read_image(encoded(half, "PNG")).tobytes())) == [0, 255]


def test_cmyk_is_read_with_adobe_polarity_and_without() -> None:
    ink = image().convert("CMYK")
    adobe = encoded(ink, "JPEG", quality=95)
    without_adobe = without_segment(encoded(ImageChops.invert(ink), "JPEG", quality=95), 0xEE)
    assert b"Adobe" in adobe
    assert b"Adobe" not in without_adobe
    for data in (adobe, without_adobe):
        assert np.abs(_grey(read_image(data)) - _grey(image())).mean() < 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_orientation_is_applied_as_pillow_applies_it(orientation: int, order: str) -> None:
    data = jpeg_with(segment(0xE1, b"Exif\0\0" + exif(orientation, order)))
    expected = ImageOps.exif_transpose(Image.open(BytesIO(data)))
    assert read_image(data).tobytes() == expected.tobytes()
    assert read_image(data).size == expected.size


def test_exif_orientation_of_a_png_is_applied() -> None:
    read = read_image(png_with(chunk(b"eXIf", exif(6))))
    assert read.tobytes() == image().transpose(Image.Transpose.ROTATE_270).tobytes()


ARITHMETIC = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8X"
    "GBYUGBIUFRT/yQALCABAAEABAREA/8wABgAQEAX/2gAIAQEAAD8A/wDt4SxrllmF1oa5d32WtO+C3xVyKVPN3wjjS46IwcaupzbuX3ZPBFXy"
    "YTbHhNos29y74H2teBuBeGyysufDeuvYykCkUdQF7U76yRArZJRr7meWE7J4f8nMdc1MegUA6vs0P3lMlQi0cvgxyuIlO8cdDQxz5ImlTzNC"
    "Lsc6OxzVAlRIsdIRx0EclTjMiZhXEBHo5wRSopyOjuo593SpXKOmGpE3djb61JUGrHQvsc5pJUT3HRbMcZ0JgP/Z"
)
"""A gradient of 64 x 64 pixels as JPEG with arithmetic coding, made by libjpeg-turbo 2.1.5: Pillow writes none."""


def test_a_jpeg_with_arithmetic_coding_is_read() -> None:
    gradient = np.add.outer(np.arange(64), np.arange(64)) * 2
    assert np.abs(_grey(read_image(ARITHMETIC)) - gradient).max() < 8


XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
XMP_SEGMENT = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)


@pytest.mark.parametrize(
    "data",
    [
        jpeg_with(XMP_SEGMENT),
        jpeg_with(segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<tiff:Orientation>6</tiff:Orientation>")),
        jpeg_with(XMP_SEGMENT, segment(0xE1, b"Exif\0\0" + exif(1))),
        jpeg_with(segment(0xE1, b"Exif\0\0" + exif(3)), XMP_SEGMENT),
        png_with(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
    ],
    ids=["attribute", "element", "EXIF says upright", "EXIF says upside down", "PNG"],
)
def test_xmp_orientation_counts_where_exif_gives_none_as_in_pillow(data: bytes) -> None:
    expected = ImageOps.exif_transpose(Image.open(BytesIO(data)))
    assert read_image(data).tobytes() == expected.convert("L").tobytes()
    assert read_image(data).size == expected.size


def test_the_image_carries_no_metadata_away() -> None:
    secret = b"Patient Jane Doe"
    data = jpeg_with(segment(0xE1, b"Exif\0\0" + exif(1) + secret), segment(0xFE, secret))
    assert secret.decode() not in str(read_image(data).info)


def test_max_bytes_none_lifts_the_limit_for_local_files() -> None:
    data = jpeg()
    with pytest.raises(ImageError, match=f"{len(data):,} .*{len(data) - 1:,}"):
        read_image(data, max_bytes=len(data) - 1)
    assert read_image(data, max_bytes=None).size == image().size


def test_an_image_error_survives_pickling_with_its_code() -> None:
    error = pickle.loads(pickle.dumps(ImageError("truncated", "Received half.")))  # noqa: S301  our own bytes
    assert (error.code, str(error)) == ("truncated", "Received half.")


def test_media_type_is_read_from_the_bytes() -> None:
    assert media_type(jpeg()) == "image/jpeg"
    assert media_type(png()) == "image/png"
    assert media_type(bytes(128) + b"DICM") == "application/dicom"
    assert media_type(encoded(image(), "GIF")) is None
    assert media_type(b"") is None


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_anywhere_gives_an_image_or_an_image_error(data: st.DataObject) -> None:
    damaged = bytearray(data.draw(st.sampled_from([jpeg(), png(), encoded(image(), "JPEG", progressive=True)])))
    # Half of the damage is in the headers, which the parsers read.
    positions = st.one_of(st.integers(0, 700), st.integers(0, len(damaged) - 1))
    for position in data.draw(st.lists(positions, min_size=1, max_size=4)):
        damaged[position] = data.draw(st.integers(0, 255))
    try:
        assert read_image(bytes(damaged)).mode == "L"
    except ImageError as error:
        assert str(error).startswith("Received")


@settings(max_examples=80, deadline=None)
@given(st.sampled_from([jpeg, png]), st.floats(0, 0.9999))
def test_a_file_cut_anywhere_is_rejected(make: object, fraction: float) -> None:
    data = make()  # type: ignore[operator]
    with pytest.raises(ImageError):
        read_image(data[: int(fraction * len(data))])


def test_an_orientation_outside_the_standard_counts_as_none() -> None:
    assert [exif_orientation(exif(value)) for value in (0, 1, 8, 9)] == [0, 1, 8, 0]


@given(st.binary(max_size=200))
def test_any_exif_block_gives_an_orientation_or_none(block: bytes) -> None:
    for magic in (b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"):
        assert 0 <= exif_orientation(magic + block) <= 8


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"]), st.binary(max_size=300))
def test_any_bytes_give_an_image_error(start: bytes, rest: bytes) -> None:
    with pytest.raises(ImageError):
        read_image(start + rest)


@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
@pytest.mark.parametrize("marker", [False, True])
def test_16_bit_png_of_every_mode_keeps_its_low_byte(colour: int, channels: int, marker: bool) -> None:
    grey = np.linspace(0, 4095, 100 * 128).round().astype(">u2").reshape(100, 128)
    stored = grey.copy()
    if marker:
        stored[50, :5] = 65535
    samples = np.repeat(stored[..., None], channels, axis=2)
    if channels in (2, 4):
        samples[..., -1] = 65535
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 128, 100, 16, colour, 0, 0, 0))
    data = PNG_SIGNATURE + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert np.abs(np.asarray(read_image(data), float) - grey / 16)[stored <= 4095].max() <= 1
