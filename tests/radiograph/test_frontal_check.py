"""Images that are not frontal chest radiographs are rejected with a reason, and chest radiographs pass."""

import warnings
from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw, ImageOps

from radiograph import RESIZE_MODES, ImageError, phantom, standardise
from radiograph.frontal_check import DOUBT, rejection_reason, standardise_frontal
from radiograph.frontal_model import MODEL, MODEL_SIDE
from radiograph.read import decode
from radiograph.standard_image import resize_decoded
from tests.radiograph.files import encoded

IMAGE = phantom.draw(7, False)


def page() -> Image.Image:
    paper = Image.new("L", (600, 800), 250)
    for line in range(40):
        ImageDraw.Draw(paper).text((20, 18 * line), "Findings and impression " * 4, fill=0)
    return paper


def drawing() -> Image.Image:
    ground = Image.new("L", (400, 400), 128)
    ImageDraw.Draw(ground).line((0, 0, 400, 400), fill=255, width=30)
    return ground


REJECTED: dict[str, tuple[str, Callable[[], Image.Image]]] = {
    "tinted image": ("in colour", lambda: ImageOps.colorize(IMAGE, "black", "orange")),
    "colours of one brightness": ("in colour", lambda: Image.merge("RGB", (IMAGE, ImageOps.invert(IMAGE), IMAGE))),
    "black": ("blank", lambda: Image.new("L", (500, 500), 0)),
    "grey": ("blank", lambda: Image.new("RGB", (500, 500), (90, 90, 90))),
    "faint image": ("blank", lambda: IMAGE.point([120 + value // 25 for value in range(256)])),
    "page": ("white", page),
    "image on a page": ("margin", lambda: ImageOps.expand(IMAGE, IMAGE.width, 255)),
    "dark screen": ("detail", lambda: ImageOps.invert(page())),
    "drawing": ("single grey value", drawing),
    "noise": ("detail", lambda: Image.effect_noise((400, 400), 90)),
    "inverted image": ("inverted", lambda: ImageOps.invert(IMAGE)),
    "image on its right side": ("90 degrees to the left", lambda: IMAGE.rotate(-90, expand=True)),
    "image on its left side": ("90 degrees to the right", lambda: IMAGE.rotate(90, expand=True)),
    "image upside down": ("upside down", lambda: IMAGE.rotate(180)),
    "gradient": ("do not match", lambda: Image.linear_gradient("L").rotate(90)),
}


@pytest.mark.parametrize("name", REJECTED)
@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_an_image_of_something_else_is_rejected_with_its_reason(name: str, form: str) -> None:
    reason, draw = REJECTED[name]
    with pytest.raises(ImageError, match=reason) as caught:
        standardise_frontal(encoded(draw(), form))
    assert caught.value.code == "not_a_radiograph"
    assert "frontal chest radiograph" in str(caught.value)


@pytest.mark.parametrize("name", sorted(REJECTED.keys() - {"image upside down"}))
def test_with_the_benefit_of_the_doubt_an_image_of_something_else_is_still_rejected(name: str) -> None:
    reason, draw = REJECTED[name]
    decoded = decode(encoded(draw(), "PNG"), with_chroma=True)
    assert reason in str(rejection_reason(resize_decoded(decoded, "squash"), decoded.chroma, doubt=DOUBT))


@pytest.mark.parametrize("resize_mode", RESIZE_MODES)
@pytest.mark.parametrize("seed", range(8))
def test_a_chest_radiograph_passes_as_the_pixels_the_network_is_trained_on(seed: int, resize_mode: str) -> None:
    image = encoded(phantom.draw(seed, seed % 2 == 0), "JPEG")
    assert standardise_frontal(image, resize_mode=resize_mode) == standardise(image, resize_mode=resize_mode)  # type: ignore[arg-type]


def test_an_image_stored_in_colour_passes() -> None:
    for mode, form in (("RGB", "JPEG"), ("RGBA", "PNG"), ("P", "PNG"), ("CMYK", "JPEG")):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert standardise_frontal(encoded(IMAGE.convert(mode), form))


def test_a_slight_tint_passes() -> None:
    assert standardise_frontal(encoded(ImageOps.colorize(IMAGE, (0, 0, 0), (255, 250, 240)), "JPEG"))


def test_a_truncated_file_is_reported_as_truncated() -> None:
    with pytest.raises(ImageError) as caught:
        standardise_frontal(encoded(IMAGE, "JPEG")[:2000])
    assert caught.value.code == "truncated"


def test_a_mirrored_radiograph_passes() -> None:
    assert standardise_frontal(encoded(ImageOps.mirror(IMAGE), "PNG"))


@pytest.mark.parametrize("grey", [0, 255])
@pytest.mark.parametrize("fraction", [0.05, 0.2])
def test_a_margin_changes_nothing(grey: int, fraction: float) -> None:
    framed = ImageOps.expand(IMAGE, round(fraction * IMAGE.width), grey)
    assert standardise_frontal(encoded(framed, "JPEG"))
    twice = ImageOps.expand(framed, 20, 255 - grey)
    assert standardise_frontal(encoded(twice, "JPEG"))
    with pytest.raises(ImageError, match="inverted"):
        standardise_frontal(encoded(ImageOps.expand(ImageOps.invert(IMAGE), 40, grey), "PNG"))


@pytest.mark.parametrize("gamma", [0.4, 2.5])
def test_exposure_changes_nothing(gamma: float) -> None:
    assert standardise_frontal(encoded(IMAGE.point([round(255 * (v / 255) ** gamma) for v in range(256)]), "PNG"))


def test_the_score_of_an_image_and_its_mirror_image_are_equal() -> None:
    rows = [list(MODEL.weights[start : start + MODEL_SIDE]) for start in range(0, MODEL_SIDE**2, MODEL_SIDE)]
    assert len(rows) == MODEL_SIDE
    assert all(row == row[::-1] for row in rows)
