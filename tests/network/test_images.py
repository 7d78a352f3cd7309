"""Decoding a channel: an image that cannot be used is named."""

from io import BytesIO
from pathlib import Path

import pytest

from network import images
from network.errors import InputError
from network.images import EncodedImage
from tests.localaws.image_classification.builders import image


def test_an_image_smaller_than_the_network_is_named_with_both_sizes(tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    image(0, seed=0, side=24).save(path)
    with pytest.raises(InputError, match=r"small\.png is 24x24, .* 32x32"):
        images.load([EncodedImage(path.name, path)], (3, 32, 32))


def test_an_image_of_no_format_is_named_without_a_memory_address() -> None:
    with pytest.raises(InputError, match="record 5 cannot be decoded") as refused:
        images.load([EncodedImage("record 5", BytesIO(b"no image"))], (3, 32, 32))
    assert "0x" not in str(refused.value)
