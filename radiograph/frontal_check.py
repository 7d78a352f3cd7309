"""Refuse what is no frontal chest radiograph, with the reason.

Cheap checks on the standardised image, each with a limit beyond what the radiographs of the public paediatric
collection show; `python -m benchmarks.frontal_check_refusals` counts how many of them are refused. They stop colour
photographs, pages, screenshots, drawings, noise, blank and inverted images, and most images on their side. They do not
stop every grey photograph, nor a radiograph of another part of the body that happens to be lit alike.
"""

from __future__ import annotations

import math
from typing import Final

from PIL import Image, ImageChops, ImageStat

from radiograph.errors import ImageError
from radiograph.limits import MAX_BYTES, SIDE
from radiograph.read import decode
from radiograph.standard import MARGIN, ResizeMode, encode, fit_decoded
from radiograph.template import MEAN_IMAGE, TEMPLATE_SIDE

MAX_CHROMA: Final = 20.0
"""Mean distance between colour channels, 0 to 255; scans of images with a tint stay below 10."""
MIN_CONTRAST: Final = 12.0
"""Standard deviation of the grey values, 0 to 255."""
MAX_WHITE: Final = 0.25
"""Share of pixels of 250 and more: paper and screens are mostly white."""
MAX_ONE_VALUE: Final = 0.45
"""Share of the commonest grey value: drawings and screenshots have a background of one."""
MAX_ROUGHNESS: Final = 0.19
"""Mean difference of neighbouring pixels over the standard deviation: text is rough, and noise is rougher."""
MIN_LIKENESS: Final = 0.20
"""Correlation with the mean image on 16 x 16 pixels, -1 to 1."""


def standardise_radiograph(
    data: bytes, *, resize_mode: ResizeMode = "squash", max_bytes: int | None = MAX_BYTES
) -> bytes:
    """`radiograph.standardise` for whatever people send: the same bytes for a chest radiograph, else ImageError.

    Raises ImageError; code not_a_radiograph when the file is sound but shows something else.
    """
    return encode(radiograph_image(data, resize_mode=resize_mode, max_bytes=max_bytes))


def radiograph_image(
    data: bytes, *, resize_mode: ResizeMode = "squash", max_bytes: int | None = MAX_BYTES
) -> Image.Image:
    """The pixels of `standardise_radiograph` before encoding: mode "L", 224 x 224. Raises ImageError."""
    image = decode(data, max_bytes=max_bytes, at_least=round(MARGIN * SIDE), with_chroma=True)
    squashed = fit_decoded(image, "squash")
    reason = rejection_reason(squashed, image.chroma)
    if reason is not None:
        raise ImageError(
            "not_a_radiograph",
            f"Received {reason}; send one frontal chest radiograph, upright, with bones brighter than lungs.",
        )
    return squashed if resize_mode == "squash" else fit_decoded(image, resize_mode)


def rejection_reason(image: Image.Image, chroma: float = 0.0) -> str | None:
    """Return why a standardised image (mode "L", 224 x 224) is not a frontal chest radiograph; None where it may be."""
    contrast = ImageStat.Stat(image).stddev[0]
    histogram = image.histogram()
    pixels = image.width * image.height
    if chroma > MAX_CHROMA:
        return "a picture in colour"
    if contrast < MIN_CONTRAST:
        return "a picture that is blank or has almost no contrast"
    if sum(histogram[250:]) > MAX_WHITE * pixels:
        return "a picture that is mostly white, as pages and screenshots are"
    if max(histogram) > MAX_ONE_VALUE * pixels:
        return "a picture most of which has a single grey value, as drawings and screenshots have"
    if mean_gradient(image) > MAX_ROUGHNESS * contrast:
        return "a picture with more fine detail than an image has, as text, patterns and noise have"
    found = template_correlation(image)
    if found < -MIN_LIKENESS:
        return "a picture whose light and dark lie the wrong way round for a chest, as in an inverted image"
    if found < MIN_LIKENESS:
        return "a picture whose light and dark do not lie as in a frontal chest radiograph"
    return None


def mean_gradient(image: Image.Image) -> float:
    """Mean absolute difference, 0 to 255, between pixels that touch."""
    right = ImageChops.difference(
        image.crop((1, 0, image.width, image.height)), image.crop((0, 0, image.width - 1, image.height))
    )
    below = ImageChops.difference(
        image.crop((0, 1, image.width, image.height)), image.crop((0, 0, image.width, image.height - 1))
    )
    return float(ImageStat.Stat(right).mean[0] + ImageStat.Stat(below).mean[0]) / 2


def template_correlation(image: Image.Image) -> float:
    """Pearson's correlation of an image with the mean image, both on 16 x 16 pixels."""
    values = image.resize((TEMPLATE_SIDE, TEMPLATE_SIDE), Image.Resampling.BOX).tobytes()
    centre, expected = math.fsum(values) / len(values), math.fsum(MEAN_IMAGE) / len(MEAN_IMAGE)
    mine, theirs = [value - centre for value in values], [value - expected for value in MEAN_IMAGE]
    scale = math.sqrt(sum(value * value for value in mine) * sum(value * value for value in theirs))
    return sum(a * b for a, b in zip(mine, theirs, strict=True)) / scale if scale else 0.0
