"""The decoding of a channel into one array of pixels."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from network.errors import InputError

Pixels = NDArray[np.uint8]


class EncodedImage(NamedTuple):
    """An encoded image: its name in error messages, and its path or bytes."""

    name: str
    data: Path | BytesIO

    @property
    def size(self) -> int:
        """Return the number of encoded bytes."""
        return self.data.stat().st_size if isinstance(self.data, Path) else self.data.getbuffer().nbytes


@dataclass(frozen=True)
class Channel:
    """A decoded channel in the order of its list or file.

    Attributes:
        images: grey bytes, (n, height, width).
        labels: classes, (n,).
    """

    images: Pixels
    labels: Tensor


def load(encoded: Sequence[EncodedImage], shape: tuple[int, int, int], resize: int | None = None) -> Pixels:
    """Return the images as grey bytes, (n, height, width).

    Pillow's luma weights turn RGB into grey and do not change an image with equal channels. Images are cropped to
    `image_shape` at the centre; the built-in algorithm crops too.

    Raises:
        InputError: an image cannot be decoded, or is smaller than `image_shape`.
    """
    _, height, width = shape
    pixels = np.empty((len(encoded), height, width), np.uint8)

    def decode(position: int) -> None:
        pixels[position] = decode_one(encoded[position], height, width, resize)

    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(decode, range(len(encoded))):
            pass
    return pixels


def decode_one(encoded: EncodedImage, height: int, width: int, resize: int | None) -> Pixels:
    """Decode one image and take its centre; `resize` is the shortest side before that.

    Raises:
        InputError: the image cannot be decoded or is too small.
    """
    try:
        with Image.open(encoded.data) as opened:
            image = opened.convert("L")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = "its format is not known" if isinstance(error, UnidentifiedImageError) else error
        raise InputError(f"{encoded.name} cannot be decoded as an image: {reason}.") from error
    if resize is not None and min(image.size) != resize:
        scale = resize / min(image.size)
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR)
    if image.width < width or image.height < height:
        raise InputError(
            f"{encoded.name} is {image.width}x{image.height}, smaller than image_shape "
            f"{width}x{height}; resize the images before training, or set resize."
        )
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return np.asarray(image.crop((left, top, left + width, top + height)))
