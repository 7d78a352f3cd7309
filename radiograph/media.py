"""Recognise a file's format by its first bytes, never by its name or its declared type."""

from __future__ import annotations

from typing import Final, Literal

MediaType = Literal["image/jpeg", "image/png", "application/dicom"]

_JPEG: Final = b"\xff\xd8\xff"
_PNG: Final = b"\x89PNG\r\n\x1a\n"

_FIRST_ELEMENTS: Final = frozenset(bytes((element, 0)) for element in (0x00, 0x01, 0x05, 0x08, 0x12, 0x16, 0x18))

# Formats that people send by mistake: (offset, magic bytes, name for the error message).
_OTHERS: Final = (
    (0, b"GIF8", "a GIF image"),
    (0, b"BM", "a BMP image"),
    (0, b"II*\0", "a TIFF image"),
    (0, b"MM\0*", "a TIFF image"),
    (8, b"WEBP", "a WebP image"),
    (0, b"II+\0", "a BigTIFF image"),
    (0, b"MM\0+", "a BigTIFF image"),
    *((4, b"ftyp" + brand, "a HEIC image") for brand in (b"heic", b"heix", b"heim", b"hevc", b"mif1", b"msf1")),
    (4, b"ftypavif", "an AVIF image"),
    (4, b"ftypavis", "an AVIF image"),
    (4, b"ftyp", "an MP4 or QuickTime video"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (0, b"\xff\x0a", "a JPEG XL image"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (0, b"8BPS", "a Photoshop image"),
    (0, b"\0\x05\x16\x07", "metadata that macOS stores beside a file"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive or office document"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<", "an HTML or XML text"),
    (0, b"{", "a JSON text"),
)


def media_type(data: bytes) -> MediaType | None:
    """Return the media type of JPEG (ISO 10918-1), PNG (ISO 15948) or DICOM (PS3.10) bytes, else None."""
    if data.startswith(_JPEG):
        return "image/jpeg"
    if data.startswith(_PNG):
        return "image/png"
    if data[128:132] == b"DICM" or _starts_with_tag(data):
        return "application/dicom"
    return None


def _starts_with_tag(data: bytes) -> bool:
    """Return whether bytes start with a little-endian element of group 0002 or 0008: DICOM without preamble."""
    group, number, explicit = data[:2], data[2:4], data[4:6]
    if group not in (b"\x02\0", b"\x08\0") or number not in _FIRST_ELEMENTS:
        return False
    return (explicit.isalpha() and explicit.isupper()) or data[6:8] == b"\0\0"


def describe_format(data: bytes) -> str:
    """Return what the bytes look like, for an error message ("a GIF image", "a text file")."""
    names = {"image/jpeg": "a JPEG image", "image/png": "a PNG image", "application/dicom": "a DICOM file"}
    if (detected := media_type(data)) is not None:
        return names[detected]
    for offset, magic, name in _OTHERS:
        if data[offset : offset + len(magic)] == magic:
            return name
    if data and _is_text(data[:512]):
        return "a text file"
    return "a file of an unknown type"


def _is_text(start: bytes) -> bool:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16
        return True
    try:
        text = start.removeprefix(b"\xef\xbb\xbf").decode(errors="strict" if len(start) < 512 else "ignore")
    except UnicodeDecodeError:
        return False
    return len(text.encode()) + 3 >= len(start.removeprefix(b"\xef\xbb\xbf")) and all(
        character in "\t\n\r" or character.isprintable() for character in text
    )
