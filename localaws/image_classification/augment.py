"""What an image may look like elsewhere: position, exposure, sharpness and compression. Never a mirror image.

Applied when `augmentation_type` is set. The built-in algorithm crops, flips and shifts colours instead; a flip would
put the heart on the wrong side, and a grey image has no colours.
"""

import io

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

ROTATION_DEGREES = 8.0
ZOOM = (0.78, 1.02)
"""Share of the image that stays in view, drawn for each axis by itself: so the aspect varies too."""
SHIFT = 0.07
GAMMA = 0.3
CONTRAST = (0.75, 1.25)
BRIGHTNESS = 20.0
JPEG_SHARE, JPEG_QUALITY = 0.4, (25, 90)
BLUR_SHARE, BLUR_SCALE = 0.4, (0.4, 0.9)


def augment(batch: NDArray[np.uint8], generator: torch.Generator, rng: np.random.Generator) -> torch.Tensor:
    """Return varied copies of grey images, (n, height, width) in, (n, 1, height, width) floats 0..255 out."""
    compressed = np.stack([recompress(image, rng) if rng.random() < JPEG_SHARE else image for image in batch])
    images = torch.from_numpy(compressed).float().unsqueeze(1)
    if rng.random() < BLUR_SHARE:
        images = blur(images, rng.uniform(*BLUR_SCALE))
    return expose(move(images, generator), generator)


def recompress(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return an image after one JPEG encoding of random quality."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=int(rng.integers(*JPEG_QUALITY)))
    return np.asarray(Image.open(buffer))


def blur(images: torch.Tensor, scale: float) -> torch.Tensor:
    """Return images reduced to `scale` of their size and enlarged again."""
    small = F.interpolate(images, scale_factor=scale, mode="bilinear", antialias=True)
    return F.interpolate(small, size=images.shape[-2:], mode="bilinear")


def move(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return images rotated, zoomed and shifted, each differently."""

    def uniform(low: float, high: float) -> torch.Tensor:
        return torch.rand(len(images), generator=generator) * (high - low) + low

    angle = uniform(-ROTATION_DEGREES, ROTATION_DEGREES) * torch.pi / 180
    zoom_x, zoom_y = uniform(*ZOOM), uniform(*ZOOM)
    matrix = torch.zeros(len(images), 2, 3)
    matrix[:, 0, 0], matrix[:, 0, 1] = torch.cos(angle) * zoom_x, -torch.sin(angle) * zoom_y
    matrix[:, 1, 0], matrix[:, 1, 1] = torch.sin(angle) * zoom_x, torch.cos(angle) * zoom_y
    matrix[:, 0, 2], matrix[:, 1, 2] = uniform(-2 * SHIFT, 2 * SHIFT), uniform(-2 * SHIFT, 2 * SHIFT)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def expose(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return images with another gamma, contrast and brightness, each differently."""

    def uniform(low: float, high: float) -> torch.Tensor:
        return (torch.rand(len(images), generator=generator) * (high - low) + low).view(-1, 1, 1, 1)

    gamma = torch.exp(uniform(-GAMMA, GAMMA))
    images = (images / 255).clamp(1e-4, 1).pow(gamma) * 255
    mean = images.mean((2, 3), keepdim=True)
    images = (images - mean) * uniform(*CONTRAST) + mean + uniform(-BRIGHTNESS, BRIGHTNESS)
    return images.clamp(0, 255)
