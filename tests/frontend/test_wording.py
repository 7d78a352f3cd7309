"""Numbers as a person reads them."""

import math

import pytest

from frontend.wording import duration, estimate, log_odds, plain, threshold_meaning


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (89, "89 s"), (91, "2 min"), (3599, "1 h 0 min"), (7980, "2 h 13 min"), (28799, "8 h 0 min")],
)
def test_a_duration_has_no_sixty_minutes(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_an_estimate_has_its_interval_where_there_is_one() -> None:
    one = {"value": 0.985, "low": 0.9581, "high": 0.995, "n": 206, "unit": "images"}
    assert (estimate(one), estimate(one, 100)) == ("0.985 [0.958, 0.995]", "98.5 % [95.8, 99.5]")
    assert estimate(one | {"low": None, "high": None}, 100) == "98.5 %"
    assert estimate(one | {"value": None}) == "undefined"


def test_a_change_has_its_sign() -> None:
    assert log_odds(math.log(2)) == "+0.69, which multiplies the odds by 2.0"
    assert log_odds(-math.log(1500)) == "-7.31, which divides the odds by 1,500.0"
    assert log_odds(-800.0) == "-800.00, which divides the odds by over 1,000,000"


def test_the_threshold_is_worth_what_was_measured_on_which_images() -> None:
    fraction = {"value": 0.9, "low": 0.8, "high": 0.95, "unit": "images"}
    test = {"Sensitivity": fraction | {"n": 206}, "Specificity": fraction | {"n": 129}}
    words = threshold_meaning({"splits": {"test": test}, "dataset": "images/01"})
    assert "On the 335 test images of `images/01`" in words
    assert words.count("90.0 % [80.0, 95.0]") == 2


def test_a_files_name_cannot_become_markup() -> None:
    assert plain("![x](https://example.org/a.png)") == r"\!\[x\]\(https\:\/\/example\.org\/a\.png\)"
    assert plain("Röntgen 1") == "Röntgen 1"
