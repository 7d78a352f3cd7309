"""Read TIFF and BMP files, which scanners and viewers write, as 8-bit grey. The API never receives them."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Final

from PIL import Image, ImageChops
from PIL.BmpImagePlugin import BmpImageFile
from PIL.TiffImagePlugin import TiffImageFile

from radiograph.errors import ImageError
from radiograph.grey import to_grey
from radiograph.limits import check_bytes, check_size
from radiograph.media import describe_format

_PHOTOMETRIC: Final = 262
_WHITE_IS_ZERO: Final = 0


def is_scan(data: bytes) -> bool:
    """Return whether a file's bytes are TIFF or BMP."""
    return data.startswith((b"II*\0", b"MM\0*", b"BM"))


def read_scan(data: bytes, *, max_bytes: int | None = None) -> Image.Image:
    """Return the image of a TIFF or BMP file of one page, upright, mode "L". Raises only ImageError."""
    check_bytes(data, max_bytes)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about every damaged tag
            with (BmpImageFile if data.startswith(b"BM") else TiffImageFile)(BytesIO(data)) as file:
                return _read(file)
    except (ImageError, MemoryError):
        raise
    except Exception as error:
        # Pillow raises nearly every built-in exception on malformed files.
        raise ImageError(
            "broken", f"Received {describe_format(data)} that cannot be decoded; export the image again as JPEG or PNG."
        ) from error


def _read(file: BmpImageFile | TiffImageFile) -> Image.Image:
    check_size(*file.size)
    if (pages := getattr(file, "n_frames", 1)) != 1:
        raise ImageError("multi_frame", f"Received a TIFF file of {pages} pages; one is allowed: save a single page.")
    inverted = isinstance(file, TiffImageFile) and file.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    file.load()  # applies the orientation of a TIFF file
    grey = to_grey(file)
    # Pillow inverts 1 and 8 bits by itself.
    return ImageChops.invert(grey) if inverted and file.mode.startswith("I;16") else grey
