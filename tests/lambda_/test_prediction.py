"""Only an output of one probability per class becomes a prediction."""

import json

import pytest
from inference_proxy.prediction import prediction, probabilities
from inference_proxy.problems import ProblemError
from inference_proxy.settings import ProxySettings, parse

from .conftest import ENVIRONMENT

CLASSES = ("NORMAL", "PNEUMONIA")


@pytest.mark.parametrize(
    "answer",
    [
        b"[0.8171523213386536, 0.18284766376018524]",
        b'{"prediction": [0.8171523213386536, 0.18284766376018524]}',
        b'{"prediction": [0.8171523213386536, 0.18284766376018524]}\n',
    ],
)
def test_both_shapes_of_the_built_in_algorithm_are_read(answer: bytes) -> None:
    assert probabilities(answer, CLASSES) == {"NORMAL": 0.8171523213386536, "PNEUMONIA": 0.18284766376018524}


@pytest.mark.parametrize("answer", [b"[0, 1]", b"[1, 0]", b"[0.4998, 0.5]", b"[1e-300, 1.0]"])
def test_certainty_and_rounding_are_accepted(answer: bytes) -> None:
    assert sum(probabilities(answer, CLASSES).values()) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"null",
        b"0.5",
        b'"0.5"',
        b"[]",
        b"[1.0]",
        b"[0.5, 0.25, 0.25]",
        b"[[0.5, 0.5]]",
        b"[0.5, null]",
        b'[0.5, "0.5"]',
        b"[true, false]",
        b"[0.5, NaN]",
        b"[Infinity, -Infinity]",
        b"[1.5, -0.5]",
        b"[0.9, 0.9]",
        b"[0.1, 0.1]",
        b"[-0.3, 0.7]",
        b"{}",
        b'{"prediction": null}',
        b'{"prediction": {"NORMAL": 0.5, "PNEUMONIA": 0.5}}',
        b'{"predictions": [0.5, 0.5]}',
        b"[0.5, 0.5] [0.5, 0.5]",
        b"[0.5, 0.5",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[1" + b"0" * 5000 + b", 0]",
    ],
)
def test_anything_else_is_refused(answer: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        probabilities(answer, CLASSES)
    assert caught.value.code == "model_output_invalid"


def test_the_problem_does_not_contain_the_scores() -> None:
    with pytest.raises(ProblemError) as caught:
        probabilities(b"[0.123456, 0.987654]", CLASSES)
    assert "0.123456" not in json.dumps([caught.value.document("id"), caught.value.cause])


def test_with_more_classes_the_label_below_the_threshold_is_the_likeliest_other() -> None:
    settings: ProxySettings = parse(ENVIRONMENT | {"CLASSES": '["NORMAL", "PNEUMONIA", "EFFUSION"]'})
    scores = {"NORMAL": 0.2, "PNEUMONIA": 0.45, "EFFUSION": 0.35}
    assert prediction(scores, settings, "id")["label"] == "EFFUSION"
