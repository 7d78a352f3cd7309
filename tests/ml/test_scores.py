"""Batch transform's output: both shapes, found again by the end of their path."""

import pytest

from ml import scores


@pytest.mark.parametrize("text", ["[0.25, 0.75]", '{"prediction": [0.25, 0.75]}', '{"prediction": [0.25, 0.75]}\n'])
def test_both_shapes_of_output_are_read(text: str) -> None:
    assert scores.parse_output(text, 2) == [0.25, 0.75]


@pytest.mark.parametrize(
    "text", ["", "[0.5]", "[0.5, 0.2, 0.3]", "[NaN, 1.0]", "[-0.1, 1.1]", '{"a": 1}', "<html>", '["a", "b"]']
)
def test_an_output_that_is_no_probabilities_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        scores.parse_output(text, 2)


def test_outputs_are_matched_by_the_end_of_their_path() -> None:
    outputs = {"transform/job/NORMAL/a.jpg.out": "1", "transform/job/PNEUMONIA/a.jpg.out": "2"}
    matched, missing = scores.match(["NORMAL/a.jpg", "PNEUMONIA/a.jpg", "NORMAL/b.jpg"], outputs)
    assert matched == {"NORMAL/a.jpg": "1", "PNEUMONIA/a.jpg": "2"}
    assert missing == ["NORMAL/b.jpg"]


def test_outputs_without_their_folders_are_matched_too() -> None:
    assert scores.match(["NORMAL/a.jpg"], {"transform/job/a.jpg.out": "1"}) == ({"NORMAL/a.jpg": "1"}, [])
