"""Refuse what is no frontal chest radiograph, with the reason.

Cheap checks on the standardised film, each with a limit beyond what the radiographs of the public paediatric
collection show; `python -m benchmarks.gate_refusals` counts how many of them are refused. They stop colour
photographs, pages, screenshots, drawings, noise, blank and inverted films, and most films on their side. They do not
stop every grey photograph, nor a radiograph of another part of the body that happens to be lit alike.
"""

from __future__ import annotations

import math
from typing import Final

from PIL import Image, ImageChops, ImageStat

from radiograph.errors import FilmError
from radiograph.limits import MAX_BYTES, SIDE
from radiograph.read import decode
from radiograph.standard import MARGIN, Policy, encode, fit_decoded
from radiograph.template import MEAN_FILM, TEMPLATE_SIDE

MAX_CHROMA: Final = 20.0
"""Mean distance between colour channels, 0 to 255; scans of films with a tint stay below 10."""
MIN_CONTRAST: Final = 12.0
"""Standard deviation of the grey values, 0 to 255."""
MAX_WHITE: Final = 0.25
"""Share of pixels of 250 and more: paper and screens are mostly white."""
MAX_ONE_VALUE: Final = 0.45
"""Share of the commonest grey value: drawings and screenshots have a background of one."""
MAX_ROUGHNESS: Final = 0.19
"""Mean difference of neighbouring pixels over the standard deviation: text is rough, and noise is rougher."""
MIN_LIKENESS: Final = 0.20
"""Correlation with the mean film on 16 x 16 pixels, -1 to 1."""


def standardise_radiograph(data: bytes, *, policy: Policy = "squash", max_bytes: int | None = MAX_BYTES) -> bytes:
    """`radiograph.standardise` for whatever people send: the same bytes for a chest film, FilmError for anything else.

    Raises FilmError; code not_a_radiograph when the file is sound but shows something else.
    """
    return encode(radiograph_film(data, policy=policy, max_bytes=max_bytes))


def radiograph_film(data: bytes, *, policy: Policy = "squash", max_bytes: int | None = MAX_BYTES) -> Image.Image:
    """The pixels of `standardise_radiograph` before encoding: mode "L", 224 x 224. Raises FilmError."""
    film = decode(data, max_bytes=max_bytes, at_least=round(MARGIN * SIDE), with_chroma=True)
    squashed = fit_decoded(film, "squash")
    reason = why_not(squashed, film.chroma)
    if reason is not None:
        raise FilmError(
            "not_a_radiograph",
            f"Received {reason}; send one frontal chest radiograph, upright, with bones brighter than lungs.",
        )
    return squashed if policy == "squash" else fit_decoded(film, policy)


def why_not(film: Image.Image, chroma: float = 0.0) -> str | None:
    """What a standardised film (mode "L", 224 x 224) shows instead of a chest; None where nothing speaks against it."""
    contrast = ImageStat.Stat(film).stddev[0]
    histogram = film.histogram()
    pixels = film.width * film.height
    if chroma > MAX_CHROMA:
        return "a picture in colour"
    if contrast < MIN_CONTRAST:
        return "a picture that is blank or has almost no contrast"
    if sum(histogram[250:]) > MAX_WHITE * pixels:
        return "a picture that is mostly white, as pages and screenshots are"
    if max(histogram) > MAX_ONE_VALUE * pixels:
        return "a picture most of which has a single grey value, as drawings and screenshots have"
    if roughness(film) > MAX_ROUGHNESS * contrast:
        return "a picture with more fine detail than a film has, as text, patterns and noise have"
    found = likeness(film)
    if found < -MIN_LIKENESS:
        return "a picture whose light and dark lie the wrong way round for a chest, as in an inverted film"
    if found < MIN_LIKENESS:
        return "a picture whose light and dark do not lie as in a frontal chest film"
    return None


def roughness(film: Image.Image) -> float:
    """Mean absolute difference, 0 to 255, between pixels that touch."""
    right = ImageChops.difference(
        film.crop((1, 0, film.width, film.height)), film.crop((0, 0, film.width - 1, film.height))
    )
    below = ImageChops.difference(
        film.crop((0, 1, film.width, film.height)), film.crop((0, 0, film.width, film.height - 1))
    )
    return float(ImageStat.Stat(right).mean[0] + ImageStat.Stat(below).mean[0]) / 2


def likeness(film: Image.Image) -> float:
    """Pearson's correlation of a film with the mean film, both on 16 x 16 pixels."""
    values = film.resize((TEMPLATE_SIDE, TEMPLATE_SIDE), Image.Resampling.BOX).tobytes()
    centre, expected = math.fsum(values) / len(values), math.fsum(MEAN_FILM) / len(MEAN_FILM)
    mine, theirs = [value - centre for value in values], [value - expected for value in MEAN_FILM]
    scale = math.sqrt(sum(value * value for value in mine) * sum(value * value for value in theirs))
    return sum(a * b for a, b in zip(mine, theirs, strict=True)) / scale if scale else 0.0
