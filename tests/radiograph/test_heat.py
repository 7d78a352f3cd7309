"""The layer shows each number at its place in the image, and has the image's size."""

import pytest
from PIL import Image

from radiograph.heat import AGAINST, FOR, FULL_AT, UNMEASURED, full_colour, heat_layer, overlay

CORNER = [[0.0] * 7 for _ in range(7)]
CORNER[0][0], CORNER[6][6] = 4.0, -2.0


def test_for_and_against_have_their_colours_and_the_strongest_cell_the_given_strength() -> None:
    layer = heat_layer(CORNER, 0.1, (700, 700), 0.5)
    assert layer.getpixel((5, 5)) == pytest.approx((*FOR, 255 * 0.5), abs=5)
    assert layer.getpixel((695, 695)) == pytest.approx((*AGAINST, 255 * 0.25), abs=5)
    assert layer.getpixel((350, 350))[3] == 0


@pytest.mark.parametrize("size", [(400, 300), (300, 400), (224, 224)])
def test_the_layer_has_the_images_size(size: tuple[int, int]) -> None:
    for resize_mode in ("squash", "pad"):
        assert heat_layer(CORNER, 0.1, size, 1, resize_mode).size == size


def test_of_a_padded_image_the_grids_outer_rows_lie_outside() -> None:
    """An image twice as wide as high fills rows 1.75 to 5.25 of the 7: a cell in row 0 is over black only."""
    assert heat_layer(CORNER, 0.1, (800, 400), 1, "pad").getextrema()[3] == (0, 0)
    assert heat_layer(CORNER, 0.1, (800, 400), 1, "squash").getextrema()[3][1] == 255


def test_a_cell_without_a_number_is_hatched_and_a_zero_is_not() -> None:
    image = Image.new("L", (64, 64), 90)
    drawn = overlay(image, heat_layer([[None, 0.0], [0.0, 0.0]], 0.1, image.size, 1))
    assert {colour for _, colour in drawn.crop((0, 0, 32, 32)).getcolors()} == {(90, 90, 90), UNMEASURED}  # type: ignore[union-attr, misc]
    for box in ((32, 0, 64, 64), (0, 32, 64, 64)):
        assert drawn.crop(box).getcolors() == [(32 * 64, (90, 90, 90))]


def test_a_change_below_the_minimum_is_not_coloured() -> None:
    layer = heat_layer([[0.09, 0.0], [0.0, -0.09]], 0.1, (64, 64), 1)
    assert layer.getextrema()[3] == (0, 0)
    assert heat_layer([[0.11, 0.0], [0.0, 0.0]], 0.1, (64, 64), 1).getextrema()[3][1] > 0


def test_weak_changes_are_drawn_weakly() -> None:
    """The strongest of 0.25 is half of what is drawn in full strength; above FULL_AT the strongest sets the scale."""
    assert heat_layer([[0.25, 0.0], [0.0, 0.0]], 0.1, (64, 64), 1).getextrema()[3][1] == pytest.approx(128, abs=2)
    assert full_colour([[0.25, None], [0.0, -0.2]]) == FULL_AT
    assert full_colour([[0.25, None], [0.0, -3.0]]) == 3.0
