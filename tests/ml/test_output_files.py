"""Batch transform's output: both shapes of its text, and whose output it is."""

import pytest

from ml.scoring import output_files

SOURCE = "s3://images/datasets/chexpert/v1/"
CHEXPERT = [f"patient0000{number}/study1/view1_frontal.jpg" for number in (1, 2, 3)]


@pytest.mark.parametrize("text", ["[0.25, 0.75]", '{"prediction": [0.25, 0.75]}', '{"prediction": [0.25, 0.75]}\n'])
def test_both_shapes_of_output_are_read(text: str) -> None:
    assert output_files.parse_output(text, 2) == [0.25, 0.75]


@pytest.mark.parametrize("text", ["[0.2504, 0.7504]", "[0, 1]", "[1.0, 0]"])
def test_rounded_and_whole_probabilities_are_read(text: str) -> None:
    assert sum(output_files.parse_output(text, 2)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    "text",
    [
        *("", "<html>", '{"a": 1}', "[" * 100_000),
        *("[0.5]", "[0.5, 0.2, 0.3]", "[NaN, 1.0]", "[-0.1, 1.1]", f"[0, 1{'0' * 400}]"),
        *('["a", "b"]', '["0.5", "0.5"]', "[[0], [1]]", "[null, 1]", "[true, false]"),
        *("[0.9, 0.9]", "[0.2, 0.2]", "[0.251, 0.7511]"),
    ],
)
def test_an_output_that_is_no_probabilities_is_refused_and_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r"received|not JSON") as caught:
        output_files.parse_output(text, 2)
    assert repr(text[:80]) in str(caught.value)


def test_images_of_one_name_get_only_the_output_of_their_own_path() -> None:
    outputs = {f"{name}.out": name for name in CHEXPERT[1:]}
    matched, missing = output_files.match(CHEXPERT, outputs, SOURCE)
    assert matched == {name: name for name in CHEXPERT[1:]}
    assert missing == CHEXPERT[:1]


@pytest.mark.parametrize("folder", ["v1/", "chexpert/v1/", "datasets/chexpert/v1/"])
def test_outputs_below_folders_of_the_input_prefix_are_matched_by_their_whole_path(folder: str) -> None:
    outputs = {f"{folder}{name}.out": name for name in CHEXPERT[1:]}
    assert output_files.match(CHEXPERT, outputs, SOURCE) == ({name: name for name in CHEXPERT[1:]}, CHEXPERT[:1])


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("a/x.jpg", "b/a/x.jpg.out"),
        ("a/x.jpg", "x.jpg.out"),
        ("x.jpg", "a/x.jpg.out"),
        ("x.jpg", "xx.jpg.out"),
        ("x.jpg", "x.jpg"),
        ("a/x.jpg", "images/a/x.jpg.out"),
        ("a/x.jpg", "chexpert/a/x.jpg.out"),
    ],
)
def test_an_output_elsewhere_belongs_to_no_image(name: str, key: str) -> None:
    assert output_files.match([name], {key: "1"}, SOURCE) == ({}, [name])


def test_outputs_that_lie_at_different_depths_are_not_mixed() -> None:
    outputs = {"a/x.jpg.out": "1", "v1/b/x.jpg.out": "2"}
    assert output_files.match(["a/x.jpg", "b/x.jpg"], outputs, SOURCE) == ({"a/x.jpg": "1"}, ["b/x.jpg"])
