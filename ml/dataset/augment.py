"""Augment standardised images before training.

The built-in algorithm's own augmentation always mirrors images, which puts the heart on the wrong side, and has no
compression, blur or gamma. The ranges of rotation, zoom, shift, gamma, contrast, blur and JPEG were measured on the
public collection. Images are never mirrored.
"""

import io
import math

import numpy as np
from PIL import Image

FACTORS: tuple[str, ...] = ("rotation", "zoom", "aspect", "shift", "gamma", "contrast", "blur", "jpeg")
"""What varies; each factor can be left out."""

ROTATION_DEGREES = 8.0
ZOOM = (0.78, 1.02)
"""Fraction of the image's side that stays in view; with `aspect`, drawn separately for each axis."""
SHIFT = 0.07
"""Of the side, in each direction."""
GAMMA = 0.3
"""Of the natural logarithm of the exponent."""
CONTRAST, BRIGHTNESS = (0.75, 1.25), 20.0
BLUR_FRACTION, BLUR_SCALE = 0.4, (0.4, 0.9)
JPEG_FRACTION, JPEG_QUALITY = 0.4, (25, 90)


def augment(image: Image.Image, rng: np.random.Generator, factors: frozenset[str] = frozenset(FACTORS)) -> Image.Image:
    """Return a varied copy of an image of mode "L", of the same size.

    The same image, state of `rng` and factors give the same copy. Every factor draws its numbers even if it is not
    used: leaving it out does not change the others.
    """
    unused = factors - set(FACTORS)
    if unused:
        raise ValueError(f"Unknown factors {sorted(unused)}; allowed: {', '.join(FACTORS)}.")
    image = expose(move(image, rng, factors), rng, factors)
    blurred, scale = rng.random() < BLUR_FRACTION, rng.uniform(*BLUR_SCALE)
    if blurred and "blur" in factors:
        image = blur(image, scale)
    compressed, quality = rng.random() < JPEG_FRACTION, int(rng.integers(*JPEG_QUALITY))
    if compressed and "jpeg" in factors:
        image = recompress(image, quality)
    return image


def move(image: Image.Image, rng: np.random.Generator, factors: frozenset[str]) -> Image.Image:
    """Return the image rotated, zoomed and shifted about its centre; edge pixels fill the area beyond its edges."""
    angle = math.radians(rng.uniform(-ROTATION_DEGREES, ROTATION_DEGREES)) if drawn(rng, "rotation", factors) else 0.0
    across, down = rng.uniform(*ZOOM), rng.uniform(*ZOOM)
    if "aspect" not in factors:
        down = across
    if "zoom" not in factors:
        mean = math.sqrt(across * down)
        across, down = across / mean, down / mean
    right, below = rng.uniform(-SHIFT, SHIFT), rng.uniform(-SHIFT, SHIFT)
    if "shift" not in factors:
        right = below = 0.0
    width, height = image.size
    margin = round(0.25 * max(image.size))
    padded = Image.fromarray(np.pad(np.asarray(image), margin, mode="edge"))
    cos, sin = math.cos(angle), math.sin(angle)
    a, b, d, e = across * cos, -down * sin, across * sin, down * cos
    x = margin + width * (0.5 + right) - a * width / 2 - b * height / 2
    y = margin + height * (0.5 + below) - d * width / 2 - e * height / 2
    matrix = (a, b, x, d, e, y)
    return padded.transform(image.size, Image.Transform.AFFINE, matrix, resample=Image.Resampling.BICUBIC)


def drawn(rng: np.random.Generator, factor: str, factors: frozenset[str]) -> bool:
    """Return whether a factor is used; if not, discard its one draw."""
    if factor in factors:
        return True
    rng.random()
    return False


def expose(image: Image.Image, rng: np.random.Generator, factors: frozenset[str]) -> Image.Image:
    """Return the image with random gamma, contrast and brightness."""
    gamma = math.exp(rng.uniform(-GAMMA, GAMMA))
    contrast, brightness = rng.uniform(*CONTRAST), rng.uniform(-BRIGHTNESS, BRIGHTNESS)
    values = np.asarray(image, np.float64)
    if "gamma" in factors:
        values = (values / 255) ** gamma * 255
    if "contrast" in factors:
        mean = values.mean()
        values = (values - mean) * contrast + mean + brightness
    return Image.fromarray(np.rint(values.clip(0, 255)).astype(np.uint8))


def blur(image: Image.Image, scale: float) -> Image.Image:
    """Return the image reduced to `scale` of its size and enlarged again."""
    small = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.BOX
    )
    return small.resize(image.size, Image.Resampling.BILINEAR)


def recompress(image: Image.Image, quality: int) -> Image.Image:
    """Return the image after one JPEG encoding."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as decoded:
        return decoded.convert("L")
