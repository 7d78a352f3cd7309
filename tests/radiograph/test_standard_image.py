"""The network's input: one size, one encoding, and the same pixels whether decoded in full or reduced."""

from __future__ import annotations

import math
import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from radiograph import SIDE, ImageError, encode, read_image, resize, standardise
from radiograph.phantom import draw
from radiograph.read import decode
from tests.radiograph.files import encoded, exif, image, jpeg, jpeg_with, png, segment


def _psnr(first: Image.Image, second: Image.Image) -> float:
    error = float(np.mean((np.asarray(first, float) - np.asarray(second, float)) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def _large_jpeg(seed: int, width: int, height: int) -> bytes:
    """Return a phantom with detail and noise at full resolution, like a digitised radiograph."""
    large = draw(seed, pneumonia=True).resize((width, height), Image.Resampling.BICUBIC)
    noise = np.random.default_rng(seed).normal(0, 6, (height, width))
    return encoded(Image.fromarray(np.clip(np.asarray(large) + noise, 0, 255).astype(np.uint8)), "JPEG", quality=92)


@pytest.mark.parametrize("make", [jpeg, png])
def test_the_output_is_224_rgb_with_equal_channels_and_no_metadata(make: object) -> None:
    data = encode(standardise(make()))  # type: ignore[operator]
    with Image.open(BytesIO(data)) as image:
        pixels = np.asarray(image)
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (SIDE, SIDE))
        assert image.layer == [(1, 1, 1, 0), (2, 1, 1, 1), (3, 1, 1, 1)]  # 4:4:4
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi"}
    assert np.array_equal(pixels[..., 0], pixels[..., 1])
    assert np.array_equal(pixels[..., 0], pixels[..., 2])


def test_the_same_bytes_give_the_same_bytes_in_another_process() -> None:
    program = "import sys, radiograph as r; sys.stdout.buffer.write(r.encode(r.standardise(sys.stdin.buffer.read())))"
    elsewhere = subprocess.run([sys.executable, "-c", program], input=jpeg(), capture_output=True, check=True)
    assert elsewhere.stdout == encode(standardise(jpeg()))


def test_the_encoding_keeps_the_pixels() -> None:
    assert _psnr(read_image(encode(standardise(png()))), standardise(png())) > 42


def test_a_standardised_image_passes_through_almost_unchanged() -> None:
    once = standardise(jpeg())
    assert _psnr(once, standardise(encode(once))) > 42


@pytest.mark.parametrize("mode", ["RGB", "LA", "RGBA"])
def test_one_image_in_any_lossless_file_gives_the_same_pixels(mode: str) -> None:
    assert standardise(encoded(image().convert(mode), "PNG")) == standardise(png())


@pytest.mark.parametrize(("width", "height"), [(2090, 1858), (1800, 900), (1021, 1777), (900, 448), (460, 450)])
@pytest.mark.parametrize("resize_mode", ["squash", "pad"])
def test_scaled_decoding_equals_full_decoding(width: int, height: int, resize_mode: str) -> None:
    data = _large_jpeg(3, width, height)
    full = read_image(data)
    assert decode(data, at_least=2 * SIDE).image.width <= full.width
    size = (SIDE, SIDE)
    expected = Image.new("L", size)
    if resize_mode == "pad":
        scale = SIDE / max(width, height)
        size = (round(width * scale), round(height * scale))
    small = full.resize(size, Image.Resampling.LANCZOS)
    expected.paste(small, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    assert _psnr(standardise(data, resize_mode=resize_mode), expected) > 45  # type: ignore[arg-type]


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_pixels() -> None:
    decoded = decode(_large_jpeg(4, 2090, 1858), at_least=2 * SIDE)
    assert decoded.image.size == (523, 465)
    assert decoded.box == (0, 0, 522.5, 464.5)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("resize_mode", ["squash", "pad"])
def test_a_turned_image_is_standardised_like_the_upright_one(orientation: int, resize_mode: str) -> None:
    data = jpeg_with(segment(0xE1, b"Exif\0\0" + exif(orientation)))
    assert _psnr(standardise(data, resize_mode=resize_mode), resize(read_image(data), resize_mode)) > 45  # type: ignore[arg-type]


def test_padding_keeps_the_aspect_and_squashing_fills_the_frame() -> None:
    wide = encoded(Image.new("L", (448, 224), 200), "PNG")
    padded = np.asarray(standardise(wide, resize_mode="pad"))
    assert (padded[56:168] == 200).all()
    assert (padded[:56] == 0).all()
    assert (padded[168:] == 0).all()
    assert (np.asarray(standardise(wide)) == 200).all()


def test_a_smaller_image_is_enlarged() -> None:
    assert standardise(encoded(Image.new("L", (64, 100), 50), "PNG")).getextrema() == (50, 50)


def test_a_full_resolution_image_is_resized_to_the_same_pixels() -> None:
    assert resize(read_image(png())) == standardise(png())


def test_an_image_that_is_not_grey_is_not_resized() -> None:
    with pytest.raises(ValueError, match=r"'RGB'.*'L'"):
        resize(image().convert("RGB"))


def test_an_unknown_resize_mode_is_named_with_the_allowed_ones() -> None:
    with pytest.raises(ValueError, match=r"'crop'.*squash, pad"):
        standardise(jpeg(), resize_mode="crop")  # type: ignore[arg-type]


def test_the_byte_limit_holds_unless_lifted() -> None:
    data = jpeg() + bytes(4_400_000)
    with pytest.raises(ImageError):
        standardise(data)
    assert standardise(data, max_bytes=None) == standardise(jpeg())


def test_the_core_imports_neither_numpy_nor_pydicom() -> None:
    program = (
        "import sys, radiograph; print([m for m in ('numpy', 'pydicom', 'radiograph.phantom') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
