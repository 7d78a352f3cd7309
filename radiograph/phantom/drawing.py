"""Turn a chest into an image: position, exposure, noise and burned-in markers."""

from __future__ import annotations

import functools
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from radiograph.phantom.anatomy import Chest, draw_chest
from radiograph.phantom.canvas import PIXELS_PER_UNIT, Field, to_pixels
from radiograph.phantom.findings import attenuation, draw_consolidation, draw_shadows

_CHEST, _FINDINGS, _SHADOWS, _IMAGE = range(4)


def draw(seed: int, pneumonia: bool, image: int = 0) -> Image.Image:
    """Draw a chest radiograph of the person `seed`: mode "L", 0 black to 255 white, sides of 400 to 800 pixels.

    The same arguments give the same pixels. `image` numbers the images of one person: chest and disease stay,
    position, exposure and shadows change. The disease has its own random stream: the rest of the image is the same
    with and without `pneumonia`.
    """
    shadows = draw_shadows(_stream(seed, _SHADOWS, image))
    consolidation = draw_consolidation(_stream(seed, _FINDINGS)) if pneumonia else None
    body = attenuation(_chest(seed), shadows, consolidation)
    rng = _stream(seed, _IMAGE, image)
    return _mark(_expose(_position(body, rng), rng), rng)


def _stream(seed: int, *path: int) -> np.random.Generator:
    return np.random.default_rng([seed, *path])


@functools.lru_cache(maxsize=4)
def _chest(seed: int) -> Chest:
    return draw_chest(_stream(seed, _CHEST))


def _position(body: Field, rng: np.random.Generator) -> Field:
    """Return the detector's view of the body: random size, zoom, rotation and shift."""
    height = int(rng.integers(400, 641))
    width = min(800, int(height * rng.uniform(1.0, 1.45)))
    units = rng.uniform(1.95, 2.35) * max(1.0, (width / height) / 1.2) ** 0.5  # field of view across, in body units
    step = units * PIXELS_PER_UNIT / width
    angle = math.radians(rng.normal(0, 2.5))
    cos, sin = step * math.cos(angle), step * math.sin(angle)
    column, row = to_pixels(rng.normal(0, 0.05), rng.normal(0.72, 0.06))
    matrix = (
        cos,
        -sin,
        column - cos * width / 2 + sin * height / 2,
        sin,
        cos,
        row - sin * width / 2 - cos * height / 2,
    )
    view = Image.fromarray(body).transform(
        (width, height), Image.Transform.AFFINE, matrix, resample=Image.Resampling.BILINEAR
    )
    return np.asarray(view, np.float32)


def _expose(view: Field, rng: np.random.Generator) -> Image.Image:
    """Convert attenuation to grey: display window, tone curve, quantum and electronic noise.

    The tone curve gives a random mean grey, like an automatic exposure control: images with pneumonia are not brighter.
    """
    view = 1 - np.exp(-1.4 * view)  # dense parts lie on the shoulder of the response curve
    sample = view[::8, ::8]
    low, high = np.percentile(sample, (rng.uniform(0.5, 3), rng.uniform(97, 99.8)))
    scaled = np.clip((view - low) / max(high - low, 1e-3), 0, 1)
    gamma = _gamma_for_mean(np.clip((sample - low) / max(high - low, 1e-3), 1e-4, 1), rng.uniform(0.38, 0.60))
    black, white = rng.uniform(0, 25), rng.uniform(215, 252)
    grey = black + (white - black) * scaled ** np.float32(gamma)
    grey += rng.standard_normal(view.shape, dtype=np.float32) * np.float32(rng.uniform(1.0, 5.0))
    return Image.fromarray(np.clip(np.rint(grey), 0, 255).astype(np.uint8))


def _gamma_for_mean(sample: Field, mean: float) -> float:
    """Return the exponent, 0.4 to 2.5, that brings the mean of `sample` (0 to 1) to `mean`, by bisection."""
    low, high = 0.4, 2.5
    for _ in range(12):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if float((sample**middle).mean()) > mean else (low, middle)
    return math.sqrt(low * high)


def _mark(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Burn in the word SYNTHETIC and, in some images, a side marker."""
    pen = ImageDraw.Draw(image)
    size = max(14, round(image.height * rng.uniform(0.028, 0.04)))
    font = ImageFont.load_default(size)
    margin = size
    right, bottom = rng.uniform() < 0.5, rng.uniform() < 0.5
    left, top, end, base = pen.textbbox((0, 0), "SYNTHETIC", font=font)
    x = image.width - margin - (end - left) if right else margin
    y = image.height - margin - (base - top) if bottom else margin
    plate = (x + left - size // 4, y + top - size // 4, x + end + size // 4, y + base + size // 4)
    pen.rectangle(plate, fill=15)  # legible on bright ground too
    pen.text((x, y), "SYNTHETIC", fill=235, font=font)
    if rng.uniform() < 0.6:
        # The marker L lies on the patient's left, which is the right of the image.
        pen.text((image.width - 3 * size, image.height * 0.12), "L", fill=240, font=ImageFont.load_default(2 * size))
    return image
