"""Read JPEG and PNG bytes as 8-bit grey, checked before and during decoding."""

from __future__ import annotations

from io import BytesIO
from typing import Final, NamedTuple

from PIL import Image, ImageChops
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from radiograph.colour import chroma, jpeg_chroma
from radiograph.errors import ImageError
from radiograph.grey import from_bytes, to_grey
from radiograph.header import Header
from radiograph.jpeg import jpeg_header
from radiograph.limits import MAX_BYTES, check_bytes
from radiograph.media import describe_format, media_type
from radiograph.png import png_header

_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# By the raw mode of 16-bit colour: the mode and raw mode that decode its low bytes. Little-endian decoding takes the
# other byte of each sample; 8-bit RGBA takes the four bytes of grey and alpha apart.
_LOW_BYTES: Final = {
    "RGB;16B": ("RGB", "RGB;16L"),
    "RGBA;16B": ("RGBA", "RGBA;16L"),
    "LA;16B": ("RGBA", "RGBA"),
}


class Decoded(NamedTuple):
    """An image as stored, mode "L", before its orientation is applied.

    `box` (left, upper, right, lower) is the valid part of `image` in pixels, fractional after scaled decoding.
    `chroma`, 0 to 255, is how colourful the file is (see `radiograph.colour`); 0 if it was not measured.
    """

    image: Image.Image
    box: tuple[float, float, float, float]
    orientation: int
    chroma: float


def read_image(data: bytes, *, max_bytes: int | None = MAX_BYTES) -> Image.Image:
    """Return JPEG or PNG bytes as an upright image of mode "L" (0 black to 255 white) at full resolution.

    `radiograph.grey.to_grey` converts 16-bit grey, colour, palettes, CMYK and transparency. Size and frame count are
    checked from the header before anything is decoded. `max_bytes=None` lifts the limit on bytes for local files; the
    limit on pixels stays. Raises only ImageError.
    """
    image = decode(data, max_bytes=max_bytes)
    return upright(image.image, image.orientation)


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Return the image turned by EXIF orientation 1 to 8; 1 and unknown values change nothing."""
    turn = _UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def decode(
    data: bytes, *, max_bytes: int | None = MAX_BYTES, at_least: int | None = None, with_chroma: bool = False
) -> Decoded:
    """Check and decode JPEG or PNG bytes. With `at_least`, a JPEG may be reduced to 1/2, 1/4 or 1/8.

    No side is reduced below `at_least` pixels. The reduction happens in the DCT domain, which saves decoding time.
    Raises ImageError.
    """
    check_bytes(data, max_bytes)
    file_type = media_type(data)
    if file_type is None or file_type == "application/dicom":
        raise ImageError(
            "unsupported_format",
            f"Received {describe_format(data)}; JPEG and PNG are allowed: export the image as one of them.",
        )
    header = jpeg_header(data) if file_type == "image/jpeg" else png_header(data)
    try:
        return _decode(header, JpegImageFile if file_type == "image/jpeg" else PngImageFile, at_least, with_chroma)
    except (ImageError, MemoryError):
        raise
    except Exception as error:
        # Pillow reports broken files with at least OSError, SyntaxError, ValueError, struct.error, zlib.error,
        # EOFError, IndexError and AttributeError. In each case the file is at fault.
        cut = "truncated" in str(error)
        raise ImageError(
            "truncated" if cut else "broken",
            f"Received {describe_format(data)} that {'ends too early' if cut else 'cannot be decoded'}; "
            "copy or export the image again and send that file.",
        ) from error


def _decode(
    header: Header, plugin: type[JpegImageFile] | type[PngImageFile], at_least: int | None, with_chroma: bool
) -> Decoded:
    with plugin(BytesIO(header.stream)) as file:
        if file.size != (header.width, header.height):
            raise ImageError("broken", "Received an image whose headers contradict each other; export the image again.")
        colour = jpeg_chroma(header.stream) if with_chroma and plugin is JpegImageFile else 0.0
        # A JPEG's luma is the grey image; without decoding chroma, full and reduced decoding also agree.
        draft = file.draft("L", None if at_least is None else (at_least, at_least))
        file.load()
        image: Image.Image = file if plugin is JpegImageFile else _with_low_bytes(file, header.stream)
        if image.mode == "CMYK" and "adobe" not in image.info:
            # Pillow treats every CMYK JPEG as Adobe's, which stores ink inverted.
            image = ImageChops.invert(image)
        box = (0.0, 0.0, float(image.width), float(image.height)) if draft is None else draft[1]
        if with_chroma and plugin is PngImageFile:
            colour = chroma(image)
        return Decoded(to_grey(image), box, header.orientation, colour)


def _with_low_bytes(file: Image.Image, stream: bytes) -> Image.Image:
    """Return a PNG of 16-bit colour as 8-bit colour computed from both bytes. Pillow reads the high bytes only."""
    with PngImageFile(BytesIO(stream)) as low_bytes:
        (tile,) = low_bytes.tile
        if tile.args not in _LOW_BYTES:
            return file
        low_bytes._mode, raw_mode = _LOW_BYTES[tile.args]
        low_bytes.tile = [tile._replace(args=raw_mode)]
        low_bytes.load()
        low = low_bytes.getchannel("G") if tile.args == "LA;16B" else low_bytes
        return from_bytes(file.convert("LA") if tile.args == "LA;16B" else file, low)
