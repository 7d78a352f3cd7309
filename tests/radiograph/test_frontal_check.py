"""What is no chest radiograph is refused with its reason, and every chest radiograph passes."""

import warnings
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image, ImageDraw, ImageOps

from radiograph import RESIZE_MODES, ImageError, phantom, standardise
from radiograph.frontal_check import standardise_radiograph
from radiograph.template import MEAN_IMAGE, TEMPLATE_SIDE

IMAGE = phantom.draw(7, False)


def png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def jpeg(image: Image.Image, **options: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def page() -> Image.Image:
    paper = Image.new("L", (600, 800), 250)
    for line in range(40):
        ImageDraw.Draw(paper).text((20, 18 * line), "Findings and impression " * 4, fill=0)
    return paper


def drawing() -> Image.Image:
    ground = Image.new("L", (400, 400), 128)
    ImageDraw.Draw(ground).line((0, 0, 400, 400), fill=255, width=30)
    return ground


REFUSED: dict[str, tuple[str, Callable[[], Image.Image]]] = {
    "tinted image": ("in colour", lambda: ImageOps.colorize(IMAGE, "black", "orange")),
    "colours of one brightness": ("in colour", lambda: Image.merge("RGB", (IMAGE, ImageOps.invert(IMAGE), IMAGE))),
    "black": ("blank", lambda: Image.new("L", (500, 500), 0)),
    "grey": ("blank", lambda: Image.new("RGB", (500, 500), (90, 90, 90))),
    "faint image": ("blank", lambda: IMAGE.point([120 + value // 25 for value in range(256)])),
    "page": ("mostly white", page),
    "dark screen": ("more fine detail", lambda: ImageOps.invert(page())),
    "drawing": ("single grey value", drawing),
    "noise": ("more fine detail", lambda: Image.effect_noise((400, 400), 90)),
    "inverted image": ("wrong way round", lambda: ImageOps.invert(IMAGE)),
    "gradient": ("do not lie", lambda: Image.linear_gradient("L").rotate(90)),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("encoded", [png, jpeg])
def test_a_picture_of_something_else_is_refused_with_its_reason(
    name: str, encoded: Callable[[Image.Image], bytes]
) -> None:
    reason, draw = REFUSED[name]
    with pytest.raises(ImageError, match=reason) as caught:
        standardise_radiograph(encoded(draw()))
    assert caught.value.code == "not_a_radiograph"
    assert str(caught.value).endswith("send one frontal chest radiograph, upright, with bones brighter than lungs.")


@pytest.mark.parametrize("resize_mode", RESIZE_MODES)
@pytest.mark.parametrize("seed", range(8))
def test_a_chest_image_passes_as_the_bytes_the_network_was_trained_on(seed: int, resize_mode: str) -> None:
    image = jpeg(phantom.draw(seed, seed % 2 == 0))
    assert standardise_radiograph(image, resize_mode=resize_mode) == standardise(image, resize_mode=resize_mode)  # type: ignore[arg-type]


def test_an_image_stored_in_colour_passes() -> None:
    for form in (
        jpeg(IMAGE.convert("RGB")),
        png(IMAGE.convert("RGBA")),
        png(IMAGE.convert("P")),
        jpeg(IMAGE.convert("CMYK")),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert standardise_radiograph(form)


def test_a_slight_tint_passes() -> None:
    assert standardise_radiograph(jpeg(ImageOps.colorize(IMAGE, (0, 0, 0), (255, 250, 240))))


def test_a_broken_file_is_broken_before_it_is_anything_else() -> None:
    with pytest.raises(ImageError) as caught:
        standardise_radiograph(jpeg(IMAGE)[:2000])
    assert caught.value.code == "truncated"


def test_the_mean_image_is_dark_where_lungs_are_and_bright_in_the_middle() -> None:
    image = Image.frombytes("L", (TEMPLATE_SIDE, TEMPLATE_SIDE), MEAN_IMAGE)
    lungs = [image.getpixel((column, 6)) for column in (4, 11)]
    middle = image.getpixel((7, 8))
    assert all(isinstance(value, int) and isinstance(middle, int) and value < middle for value in lungs)
