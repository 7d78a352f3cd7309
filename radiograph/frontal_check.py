"""Reject images that are not frontal chest radiographs, with a reason.

The checks are cheap and run on the standardised image without its black or white margins. They reject colour
photographs, pages, screenshots, drawings, noise, and blank, inverted and turned images. They do not reject every grey
photograph, nor a lateral radiograph or one of another part of the body with a similar distribution of light.
Preparation gives an image the benefit of the doubt (`DOUBT`), because a data set without its difficult images would
make a model look better than it is. `python -m benchmarks.frontal_check_fit` measures the checks by cross-validation;
`python -m benchmarks.frontal_check_refusals` counts the rejected images of any folder.
"""

from __future__ import annotations

from itertools import accumulate
from operator import itemgetter, mul
from typing import Final

from PIL import Image, ImageChops, ImageStat

from radiograph.errors import ImageError
from radiograph.frontal_model import MODEL, MODEL_SIDE, FrontalModel
from radiograph.limits import MAX_BYTES, SIDE
from radiograph.read import decode
from radiograph.standard_image import MARGIN, ResizeMode, resize_decoded

MAX_CHROMA: Final = 20.0
"""Mean difference of colour channels, 0 to 255; tinted scans stay below 10."""
MIN_CONTRAST: Final = 12.0
"""Standard deviation of the grey values, 0 to 255."""
MAX_WHITE: Final = 0.25
"""Fraction of pixels of at least 250: paper and screens are mostly white."""
MAX_SINGLE_VALUE: Final = 0.45
"""Fraction of the most frequent grey value: drawings and screenshots have a uniform background."""
MAX_VARIATION: Final = 31.0
"""Change of the grey value along a row or column, over the standard deviation: high in text, higher in noise."""
BLACK: Final = 12
WHITE: Final = 243
"""Rows and columns at the edge with a mean below BLACK or above WHITE are a margin."""
MAX_MARGIN: Final = 0.4
"""Largest margin that is removed from an edge at once, as a fraction of the side."""
EDGE: Final = 2
"""Maximum number of grey rows or columns where a black margin becomes a white one, or the reverse."""
MIN_INSIDE: Final = 0.25
"""Smallest fraction of the pixels inside the margins. Black margins of 20 % leave about half."""
MIN_SCORE: Final = -2.0
"""Log odds of an upright radiograph below which the image is rejected."""
MAX_LEAD: Final = 2.0
"""Largest lead, in log odds, of the turned or inverted image over the image itself."""
DOUBT: Final = 4.0
"""Log odds by which both limits are relaxed for a data set. No radiograph of the fit exceeds the relaxed limits."""
TURNS: Final = {
    "the image lies on its side; turn it by 90 degrees to the left": Image.Transpose.ROTATE_90,
    "the image lies on its side; turn it by 90 degrees to the right": Image.Transpose.ROTATE_270,
    "the image is upside down": Image.Transpose.ROTATE_180,
}
"""Reasons by the turn (counter-clockwise in Pillow) that makes the image upright."""


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


def rejection_reason(
    image: Image.Image, chroma: float = 0.0, model: FrontalModel = MODEL, doubt: float = 0.0
) -> str | None:
    """Return why a standardised image (mode "L", 224 x 224) is not a frontal chest radiograph, else None.

    `doubt` relaxes the limits of the distribution of light, in log odds.
    """
    whole = image.width * image.height
    image = without_margins(image)
    histogram = image.histogram()
    contrast = ImageStat.Stat(histogram).stddev[0]
    pixels = image.width * image.height
    if chroma > MAX_CHROMA:
        return "the image is in colour"
    if contrast < MIN_CONTRAST:
        return "the image is blank or has almost no contrast"
    if pixels < MIN_INSIDE * whole:
        return "most of the image is a black or white margin"
    if sum(histogram[250:]) > MAX_WHITE * pixels:
        return "the image is mostly white, like a page or a screenshot"
    if max(histogram) > MAX_SINGLE_VALUE * pixels:
        return "most of the image has a single grey value, like a drawing or a screenshot"
    if variation(image.reduce(2)) > MAX_VARIATION * contrast:
        return "the image has more fine detail than a radiograph, like text or noise"
    return wrong_light(image.resize((MODEL_SIDE, MODEL_SIDE), Image.Resampling.BOX), model, doubt)


def without_margins(image: Image.Image) -> Image.Image:
    """Return the image without the black and white rows and columns at its edges: frames, padding, collimation."""
    while True:  # a white frame can surround a black one
        left, right = _inner(image.reduce((1, image.height)).tobytes())
        upper, lower = _inner(image.reduce((image.width, 1)).tobytes())
        if (right - left, lower - upper) == image.size:
            return image
        image = image.crop((left, upper, right, lower))


def _inner(means: bytes) -> tuple[int, int]:
    """Return the start and the end of the rows or columns inside the margins."""
    start = _margin(means)
    return start, len(means) - _margin(means[::-1])


def _margin(means: bytes) -> int:
    """Return the number of black and white rows or columns at the start."""
    margin = 0
    for index in range(int(MAX_MARGIN * len(means))):
        if not BLACK <= means[index] <= WHITE:
            margin = index + 1
        elif index - margin >= EDGE:
            break
    return margin


def variation(image: Image.Image) -> float:
    """Return the absolute differences of neighbouring pixels, summed along a row or column; the mean of all of them."""
    width, height = image.size
    right = ImageChops.difference(image.crop((1, 0, width, height)), image.crop((0, 0, width - 1, height)))
    below = ImageChops.difference(image.crop((0, 1, width, height)), image.crop((0, 0, width, height - 1)))
    return (_mean(right) * width + _mean(below) * height) / 2


def _mean(image: Image.Image) -> float:
    histogram = image.histogram()
    total: int = sum(map(mul, range(256), histogram))
    return total / sum(histogram)


def wrong_light(small: Image.Image, model: FrontalModel, doubt: float) -> str | None:
    """Return what is wrong with the distribution of light in an image of 16 x 16 pixels, or None."""
    ranks = centred_ranks(small)
    upright = score(small, ranks, model)
    others = {reason: score(small.transpose(turn), ranks, model) for reason, turn in TURNS.items()}
    others["the image looks inverted (lungs brighter than bones)"] = 2 * model.bias - upright
    reason, best = max(others.items(), key=itemgetter(1))
    if upright >= MIN_SCORE - doubt and best - upright <= MAX_LEAD + doubt:
        return None
    return reason if best > 0 else "its light and dark regions do not match a frontal chest radiograph"


def centred_ranks(small: Image.Image) -> list[int]:
    """Return for each grey value twice its mean rank among the pixels, minus its mean: 0 for the median.

    Ranks do not depend on exposure, window or gamma.
    """
    histogram = small.histogram()
    pixels = small.width * small.height
    return [2 * end - count - pixels for end, count in zip(accumulate(histogram), histogram, strict=True)]


def score(small: Image.Image, ranks: list[int], model: FrontalModel) -> float:
    """Return the log odds that an image of 16 x 16 pixels is an upright frontal chest radiograph."""
    values = map(ranks.__getitem__, small.tobytes())
    total: int = sum(map(mul, model.weights, values))
    return model.scale * total + model.bias
