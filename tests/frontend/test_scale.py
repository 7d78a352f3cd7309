"""The scales say in words what they show in colours."""

import pytest

from frontend.api_models import HeatMap, Prediction
from frontend.formatting import percent
from frontend.scale import heat_scale, probability_scale


def prediction(probability: float, threshold: float = 0.4) -> Prediction:
    texts = dict.fromkeys(("label", "threshold_source", "model_version", "request_id", "disclaimer"), "")
    return Prediction(probability=probability, threshold=threshold, seconds=0.1, **texts)


@pytest.mark.parametrize(("probability", "word"), [(0.39, "below"), (0.4, "at or above"), (0.99, "at or above")])
def test_a_screen_reader_hears_both_numbers_and_their_order(probability: float, word: str) -> None:
    html = probability_scale(prediction(probability))
    label = html.partition('aria-label="')[2].partition('"')[0]
    assert all(part in label for part in (percent(probability), "40.0 %", f" {word} "))


@pytest.mark.parametrize(("strongest", "full"), [(-2.345, "2.35"), (0.2, "0.50")])
def test_the_legend_of_the_heat_map_says_unit_minimum_and_what_full_colour_is(strongest: float, full: str) -> None:
    values = ((strongest, 0.0), (None, 0.01))
    heat = HeatMap(values=values, units="log-odds", minimum_change=0.2, resize_mode="squash", complete=True, calls=50)
    html = heat_scale(heat)
    for text in ("log-odds", f"rises by {full}", f"falls by {full}", "Regions below 0.2 are not coloured"):
        assert text in html
