"""Label-preserving changes of style and geometry, drawn anew for each batch of training.

A network can learn the class from how images were exposed, framed, processed and stored. Each change makes one of these
differences useless. Images are never mirrored. All draws are from PyTorch's global generator, whose state is in the
checkpoint.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from network import views

ZOOM, ROTATION = (0.85, 1.1), math.radians(5)
"""Factor of the side in view, drawn separately for each axis; radians."""
MIXED, LARGEST_MIX = 0.5, 0.5
"""Fraction of the images whose amplitudes are mixed, and the largest weight of the other image."""
GAMMA, CURVE, CONTRAST, BRIGHTNESS = 0.4, 0.6, (0.7, 1.3), 20.0
LOCAL_CONTRAST, LOCAL_SIDE = (-0.4, 0.8), 8
FRAMED, LARGEST_MARGIN = 0.2, 0.12
"""Fraction of the images with a margin at each edge, and the largest margin as a fraction of the side."""
BLURRED, NOISY, NOISE = 0.5, 0.5, 10.0


def vary(images: Tensor) -> Tensor:
    """Return a varied crop of each image, (n, 1, height, width) with values 0..255."""
    images = mix_amplitudes(move(images))
    images = add_noise(blur(adjust_local_contrast(adjust_exposure(images)))).clamp(0, 255)
    return add_margins(images)


def uniform(images: Tensor, low: float, high: float) -> Tensor:
    """Return one number for each image, (n, 1, 1, 1)."""
    return torch.empty(len(images), 1, 1, 1).uniform_(low, high)


def some(images: Tensor, fraction: float) -> Tensor:
    """Return 1 for about a fraction of the images and 0 for the others, (n, 1, 1, 1)."""
    return (uniform(images, 0, 1) < fraction).float()


def move(images: Tensor) -> Tensor:
    """Rotate and zoom, and crop anywhere; edge pixels fill the area beyond the edges."""
    count, _, height, width = images.shape
    angle = torch.empty(count).uniform_(-ROTATION, ROTATION)
    zoom = torch.empty(count, 1, 2).uniform_(*ZOOM) * views.FRACTION
    shift = torch.empty(count, 2, 1).uniform_(views.FRACTION - 1, 1 - views.FRACTION)
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(count, 2, 2)
    shape = [count, 1, views.side(height), views.side(width)]
    grid = F.affine_grid(torch.cat([turn * zoom, shift], 2), shape, align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def mix_amplitudes(images: Tensor) -> Tensor:
    """Give images a part of the Fourier amplitudes of another image of the batch; the phases keep the anatomy."""
    spectrum = torch.fft.rfft2(images)
    amplitude = spectrum.abs()
    weight = uniform(images, 0, LARGEST_MIX) * some(images, MIXED)
    mixed = amplitude.lerp(amplitude[torch.randperm(len(images))], weight)
    varied: Tensor = torch.fft.irfft2(spectrum * (mixed / amplitude.clamp(min=1e-3)), s=images.shape[-2:])
    return varied


def adjust_exposure(images: Tensor) -> Tensor:
    """Change gamma, the S-curve of the grey values, contrast and brightness."""
    values = (images / 255).clamp(0, 1) ** uniform(images, -GAMMA, GAMMA).exp()
    curved = values * values * (3 - 2 * values)
    values = 255 * values.lerp(curved, uniform(images, -CURVE, CURVE))
    mean = values.mean((2, 3), keepdim=True)
    return (values - mean) * uniform(images, *CONTRAST) + mean + uniform(images, -BRIGHTNESS, BRIGHTNESS)


def adjust_local_contrast(images: Tensor) -> Tensor:
    """Raise or lower the contrast against the neighbourhood, as the processing of digital radiographs does."""
    neighbourhood = F.avg_pool2d(F.avg_pool2d(images, LOCAL_SIDE, ceil_mode=True), 3, 1, 1, count_include_pad=False)
    background = F.interpolate(neighbourhood, images.shape[-2:], mode="bilinear")
    return images + (images - background) * uniform(images, *LOCAL_CONTRAST)


def blur(images: Tensor) -> Tensor:
    """Blend some images with their average over 3 x 3 pixels."""
    weight = uniform(images, 0, 1) * some(images, BLURRED)
    return images.lerp(F.avg_pool2d(images, 3, 1, 1, count_include_pad=False), weight)


def add_noise(images: Tensor) -> Tensor:
    """Add normally distributed noise to some images."""
    return images + torch.randn(images.shape) * uniform(images, 0, NOISE) * some(images, NOISY)


def add_margins(images: Tensor) -> Tensor:
    """Cover the edges of some images with one grey value, as a collimator or a border does."""
    height, width = images.shape[-2:]
    top, bottom, left, right = (uniform(images, 0, LARGEST_MARGIN) * some(images, FRAMED) for _ in range(4))
    rows, columns = torch.arange(height).view(-1, 1) / height, torch.arange(width) / width
    inside = (rows >= top) & (rows < 1 - bottom) & (columns >= left) & (columns < 1 - right)
    # Most margins are black.
    return torch.where(inside, images, uniform(images, 0, 255) * some(images, 0.3))
