"""A refusal names the format that people sent."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZipFile

import pytest

from radiograph import ImageError, read_image
from radiograph.media import describe_format
from tests.radiograph.files import encoded, image, png


def zipped() -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr("image.png", png())
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (zipped(), "ZIP archive"),
        (b"\0\0\0\x18ftypheic" + bytes(99), "HEIC"),
        (b"\0\0\0\x18ftypheix" + bytes(99), "HEIC"),
        (b"\0\0\0\x18ftypavif" + bytes(99), "AVIF"),
        (encoded(image(), "WEBP"), "WebP"),
        (encoded(image(), "TIFF"), "TIFF"),
        (encoded(image().convert("I;16"), "TIFF"), "TIFF"),
        (b"MM\0+\0\x08" + bytes(99), "BigTIFF"),
        (encoded(image(), "JPEG2000"), "JPEG 2000"),
        (b"\0\x05\x16\x07\0\x02" + bytes(99), "macOS"),
        ("Röntgenbild, keines\n".encode() * 99, "a text"),
        ("a report".encode("utf-16"), "a text"),
        (b"\0\x01\x02\x80" * 99, "unknown type"),
    ],
)
def test_another_format_is_refused_by_its_name(data: bytes, name: str) -> None:
    assert name in describe_format(data)
    with pytest.raises(ImageError, match=name) as caught:
        read_image(data)
    assert caught.value.code == "unsupported_format"
