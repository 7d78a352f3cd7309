"""Perturb validation images as other scanners, archives and operators would.

On the public collection, the clean validation set comes from the same machines as the training images and ranks models
in the wrong order. The perturbed set tests whether a model also reads images with other compression,
sharpness, cropping and exposure. Each image gets all four changes, stronger than the mildest augmentation.
"""

import hashlib

import numpy as np
from PIL import Image

from ml.dataset.augment import blur, recompress

ZOOM = (0.80, 0.95)
CONTRAST = (0.70, 0.90)
BLUR_SCALE = (0.40, 0.60)
JPEG_QUALITY = (20, 50)


def perturb(image: Image.Image, key: str) -> Image.Image:
    """Return the perturbed version of an image of mode "L", of the same size.

    `key`, the hash of its pixels, decides the amounts.
    """
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    rng = np.random.default_rng(seed)
    zoomed = zoom(image, rng.uniform(*ZOOM), rng.random(), rng.random())
    values = np.asarray(zoomed, np.float32)
    mean = values.mean()
    flat = Image.fromarray(np.rint((values - mean) * rng.uniform(*CONTRAST) + mean).clip(0, 255).astype(np.uint8))
    return recompress(blur(flat, rng.uniform(*BLUR_SCALE)), int(rng.integers(*JPEG_QUALITY)))


def zoom(image: Image.Image, fraction: float, across: float, down: float) -> Image.Image:
    """Return a window of `fraction` of the image's sides, enlarged to its size; 0 to 1 is the window's position."""
    width, height = image.width * fraction, image.height * fraction
    left, upper = (image.width - width) * across, (image.height - height) * down
    return image.resize(image.size, Image.Resampling.BICUBIC, box=(left, upper, left + width, upper + height))
