"""What is no chest radiograph is refused with its reason, and every chest film passes."""

import warnings
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image, ImageDraw, ImageOps

from radiograph import POLICIES, FilmError, phantom, standardise
from radiograph.gate import standardise_radiograph
from radiograph.template import MEAN_FILM, TEMPLATE_SIDE

FILM = phantom.draw(7, False)


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
    "tinted film": ("in colour", lambda: ImageOps.colorize(FILM, "black", "orange")),
    "colours of one brightness": ("in colour", lambda: Image.merge("RGB", (FILM, ImageOps.invert(FILM), FILM))),
    "black": ("blank", lambda: Image.new("L", (500, 500), 0)),
    "grey": ("blank", lambda: Image.new("RGB", (500, 500), (90, 90, 90))),
    "faint film": ("blank", lambda: FILM.point([120 + value // 25 for value in range(256)])),
    "page": ("mostly white", page),
    "dark screen": ("more fine detail", lambda: ImageOps.invert(page())),
    "drawing": ("single grey value", drawing),
    "noise": ("more fine detail", lambda: Image.effect_noise((400, 400), 90)),
    "inverted film": ("wrong way round", lambda: ImageOps.invert(FILM)),
    "gradient": ("do not lie", lambda: Image.linear_gradient("L").rotate(90)),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("encoded", [png, jpeg])
def test_a_picture_of_something_else_is_refused_with_its_reason(
    name: str, encoded: Callable[[Image.Image], bytes]
) -> None:
    reason, draw = REFUSED[name]
    with pytest.raises(FilmError, match=reason) as caught:
        standardise_radiograph(encoded(draw()))
    assert caught.value.code == "not_a_radiograph"
    assert str(caught.value).endswith("send one frontal chest radiograph, upright, with bones brighter than lungs.")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("seed", range(8))
def test_a_chest_film_passes_as_the_bytes_the_network_was_trained_on(seed: int, policy: str) -> None:
    film = jpeg(phantom.draw(seed, seed % 2 == 0))
    assert standardise_radiograph(film, policy=policy) == standardise(film, policy=policy)  # type: ignore[arg-type]


def test_a_film_stored_in_colour_passes() -> None:
    for form in (
        jpeg(FILM.convert("RGB")),
        png(FILM.convert("RGBA")),
        png(FILM.convert("P")),
        jpeg(FILM.convert("CMYK")),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert standardise_radiograph(form)


def test_a_slight_tint_passes() -> None:
    assert standardise_radiograph(jpeg(ImageOps.colorize(FILM, (0, 0, 0), (255, 250, 240))))


def test_a_broken_file_is_broken_before_it_is_anything_else() -> None:
    with pytest.raises(FilmError) as caught:
        standardise_radiograph(jpeg(FILM)[:2000])
    assert caught.value.code == "truncated"


def test_the_mean_film_is_dark_where_lungs_are_and_bright_in_the_middle() -> None:
    film = Image.frombytes("L", (TEMPLATE_SIDE, TEMPLATE_SIDE), MEAN_FILM)
    lungs = [film.getpixel((column, 6)) for column in (4, 11)]
    middle = film.getpixel((7, 8))
    assert all(isinstance(value, int) and isinstance(middle, int) and value < middle for value in lungs)
