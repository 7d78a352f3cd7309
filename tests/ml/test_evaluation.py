"""From batch transform's output to metrics: the test set measures and chooses nothing."""

import numpy as np
import pytest

from ml import evaluation, scores, statistics
from ml.evaluation import Scored


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


def split(seed: int) -> Scored:
    rng = np.random.default_rng(seed)
    labels = (rng.random(120) < 0.6).astype(np.int64)
    return Scored(labels, rng.random(120), [str(number) for number in range(120)])


def test_every_metric_carries_n_and_an_interval_that_holds_it() -> None:
    for name, one in evaluation.metrics(split(0), 0.5).items():
        assert one.n > 0, name
        assert one.low <= one.value <= one.high, name


def test_the_same_scores_give_the_same_metrics() -> None:
    assert evaluation.metrics(split(0), 0.5, seed=3) == evaluation.metrics(split(0), 0.5, seed=3)


def test_the_threshold_knows_validation_only() -> None:
    """The only function that chooses one has no way to see the test set."""
    validation = split(1)
    threshold = statistics.threshold_for_sensitivity(validation.labels, validation.scores, 0.95)
    test = split(2)
    turned = Scored(1 - test.labels, test.scores, test.patients)
    assert evaluation.metrics(test, threshold) != evaluation.metrics(turned, threshold)
    assert statistics.threshold_for_sensitivity(validation.labels, validation.scores, 0.95) == threshold
