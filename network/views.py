"""The parts of an image that the cloud recipe trains on and scores."""

from torch import Tensor

FRACTION = 6 / 7
"""Of the image's side that a crop has: 192 of 224 pixels."""


def side(pixels: int) -> int:
    """Return the side of a crop, in pixels, of an image with this side."""
    return round(FRACTION * pixels)


def crops(images: Tensor) -> list[Tensor]:
    """Return the centre and the four corners of images, (n, 1, height, width)."""
    height, width = int(images.shape[2]), int(images.shape[3])
    tall, wide = side(height), side(width)
    bottom, right = height - tall, width - wide
    corners = [(bottom // 2, right // 2), (0, 0), (0, right), (bottom, 0), (bottom, right)]
    return [images[:, :, top : top + tall, left : left + wide] for top, left in corners]
