"""Reject images that are not frontal chest radiographs, with a reason.

The checks are cheap and run on the standardised image. The radiographs of the public paediatric collection stay within
each limit; `python -m benchmarks.frontal_check_refusals` counts the rejected ones. The checks reject colour
photographs, pages, screenshots, drawings, noise, blank and inverted images, and most images on their side. They do not
reject every grey photograph, nor a radiograph of another part of the body with a similar distribution of light.
"""

from __future__ import annotations

import statistics
from typing import Final

from PIL import Image, ImageChops, ImageStat

from radiograph.errors import ImageError
from radiograph.limits import MAX_BYTES, SIDE
from radiograph.read import decode
from radiograph.standard_image import MARGIN, ResizeMode, resize_decoded
from radiograph.template import MEAN_IMAGE, TEMPLATE_SIDE

MAX_CHROMA: Final = 20.0
"""Mean difference of colour channels, 0 to 255; tinted scans stay below 10."""
MIN_CONTRAST: Final = 12.0
"""Standard deviation of the grey values, 0 to 255."""
MAX_WHITE: Final = 0.25
"""Fraction of pixels of at least 250: paper and screens are mostly white."""
MAX_SINGLE_VALUE: Final = 0.45
"""Fraction of the most frequent grey value: drawings and screenshots have a uniform background."""
MAX_GRADIENT: Final = 0.19
"""Mean gradient over the standard deviation: high in text, higher in noise."""
MIN_CORRELATION: Final = 0.20
"""Correlation with the mean radiograph on 16 x 16 pixels, -1 to 1."""


def standardise_frontal(
    data: bytes, *, resize_mode: ResizeMode = "squash", max_bytes: int | None = MAX_BYTES
) -> Image.Image:
    """Return what `radiograph.standardise` returns if it is a frontal chest radiograph.

    Raises ImageError; the code is not_a_radiograph if the file is valid but shows something else.
    """
    decoded = decode(data, max_bytes=max_bytes, at_least=round(MARGIN * SIDE), with_chroma=True)
    squashed = resize_decoded(decoded, "squash")
    reason = rejection_reason(squashed, decoded.chroma)
    if reason is not None:
        raise ImageError(
            "not_a_radiograph",
            f"Rejected: {reason}. Send one frontal chest radiograph, upright, with bones brighter than lungs.",
        )
    return squashed if resize_mode == "squash" else resize_decoded(decoded, resize_mode)


def rejection_reason(image: Image.Image, chroma: float = 0.0) -> str | None:
    """Return why a standardised image (mode "L", 224 x 224) is not a frontal chest radiograph, else None."""
    contrast = ImageStat.Stat(image).stddev[0]
    histogram = image.histogram()
    pixels = image.width * image.height
    if chroma > MAX_CHROMA:
        return "the image is in colour"
    if contrast < MIN_CONTRAST:
        return "the image is blank or has almost no contrast"
    if sum(histogram[250:]) > MAX_WHITE * pixels:
        return "the image is mostly white, like a page or a screenshot"
    if max(histogram) > MAX_SINGLE_VALUE * pixels:
        return "most of the image has a single grey value, like a drawing or a screenshot"
    if mean_gradient(image) > MAX_GRADIENT * contrast:
        return "the image has more fine detail than a radiograph, like text or noise"
    correlation = template_correlation(image)
    if correlation < -MIN_CORRELATION:
        return "the image looks inverted (lungs brighter than bones)"
    if correlation < MIN_CORRELATION:
        return "its light and dark regions do not match a frontal chest radiograph"
    return None


def mean_gradient(image: Image.Image) -> float:
    """Return the mean absolute difference, 0 to 255, of neighbouring pixels."""
    right = ImageChops.difference(
        image.crop((1, 0, image.width, image.height)), image.crop((0, 0, image.width - 1, image.height))
    )
    below = ImageChops.difference(
        image.crop((0, 1, image.width, image.height)), image.crop((0, 0, image.width, image.height - 1))
    )
    return float(ImageStat.Stat(right).mean[0] + ImageStat.Stat(below).mean[0]) / 2


def template_correlation(image: Image.Image) -> float:
    """Return Pearson's correlation of an image with the mean radiograph, both on 16 x 16 pixels."""
    values = image.resize((TEMPLATE_SIDE, TEMPLATE_SIDE), Image.Resampling.BOX).tobytes()
    try:
        return statistics.correlation(values, MEAN_IMAGE)
    except statistics.StatisticsError:  # an image of one grey value
        return 0.0
