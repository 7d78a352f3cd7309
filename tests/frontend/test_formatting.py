"""Numbers and names as the page shows them."""

import math

import pytest

from frontend.formatting import duration, escape_markdown, estimate, log_odds, percent, threshold_meaning


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (89, "89 s"), (91, "2 min"), (3599, "1 h 0 min"), (7980, "2 h 13 min"), (28799, "8 h 0 min")],
)
def test_a_duration_has_no_sixty_minutes(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_an_estimate_has_its_interval_where_there_is_one() -> None:
    metric = {"value": 0.985, "low": 0.9581, "high": 0.995, "n": 206, "unit": "images"}
    assert (estimate(metric), estimate(metric, 100)) == ("0.985 [0.958, 0.995]", "98.5 % [95.8, 99.5]")
    assert estimate(metric | {"low": None, "high": None}, 100) == "98.5 %"
    assert estimate(metric | {"value": None}) == "undefined"


def test_a_change_in_log_odds_has_its_sign_and_factor() -> None:
    for change, numbers in (
        (math.log(2), ("+0.69", "multiplies", "2.0")),
        (-math.log(1500), ("-7.31", "divides", "1,500.0")),
    ):
        assert all(number in log_odds(change) for number in numbers)
    assert "over 1,000,000" in log_odds(-800.0)


def test_the_threshold_comes_with_what_was_measured_on_which_images() -> None:
    fraction = {"value": 0.9, "low": 0.8, "high": 0.95, "unit": "images"}
    test = {"Sensitivity": fraction | {"n": 206}, "Specificity": fraction | {"n": 129}}
    text = threshold_meaning({"splits": {"test": test}, "dataset": "images/01"})
    assert all(fact in text for fact in ("335", "`images/01`", "n = 206", "n = 129"))
    assert text.count("90.0 % [80.0, 95.0]") == 2


def test_a_files_name_is_not_rendered_as_markdown() -> None:
    assert escape_markdown("![x](https://example.org/a.png)") == r"\!\[x\]\(https\:\/\/example\.org\/a\.png\)"
    assert escape_markdown("Röntgen 1") == "Röntgen 1"


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0, "under 0.1 %"), (0.0004, "under 0.1 %"), (0.5, "50.0 %"), (1.0, "over 99.9 %")]
)
def test_no_probability_is_shown_as_certain(value: float, shown: str) -> None:
    assert percent(value) == shown
