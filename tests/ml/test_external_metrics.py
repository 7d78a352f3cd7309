"""Scores of another collection and its table of labels: the same metrics, no image lost, a sentence for each error."""

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import external_metrics
from benchmarks.external_metrics import compare, read_labels, read_scores
from ml.evaluation import statistics
from ml.scoring.unlabelled import COLUMNS

HEADER = "Image Index,Finding Labels,Follow-up #,Patient ID"


def tables(folder: Path, scores: list[str], labels: list[str]) -> list[str]:
    """Write both tables; return the options that name them."""
    folder.joinpath("scores.csv").write_text("\n".join([",".join(COLUMNS), *scores]), encoding="utf-8")
    folder.joinpath("labels.csv").write_text("\n".join([HEADER, *labels]), encoding="utf-8")
    return ["--scores", str(folder / "scores.csv"), "--labels", str(folder / "labels.csv")]


def small(folder: Path) -> list[str]:
    """Four positives of two patients and four negatives of three, threshold 0.4."""
    probabilities = {"p1": 0.9, "p2": 0.8, "p3": 0.3, "p4": 0.4, "n1": 0.1, "n2": 0.2, "n3": 0.35, "n4": 0.7}
    scores = [f"images/{name}.png,X,{value},0.4," for name, value in probabilities.items()]
    labels = [
        "p1.png,Pneumonia,0,1",
        "p2.png,Effusion|Pneumonia,1,1",
        "p3.png,Pneumonia,0,2",
        "p4.png,Pneumonia|Edema,1,2",
        "n1.png,No Finding,0,3",
        "n2.png,No Finding,1,3",
        "n3.png,No Finding,0,4",
        "n4.png,No Finding,0,5",
        "other.png,Effusion,0,6",
        "broken.png,Pneumonia,0,7",
        "absent.png,No Finding,0,8",
    ]
    return tables(folder, [*scores, "images/broken.png,,,,truncated", "images/extra.png,X,0.5,0.4,"], labels)


def test_the_metrics_are_those_of_the_scores_at_their_own_threshold(tmp_path: Path) -> None:
    small(tmp_path)
    labels, others = read_labels(tmp_path / "labels.csv", "Pneumonia", "No Finding")
    estimates = compare(read_scores(tmp_path / "scores.csv"), labels)
    truth, scores = np.array([1, 1, 1, 1, 0, 0, 0, 0]), np.array([0.9, 0.8, 0.3, 0.4, 0.1, 0.2, 0.35, 0.7])
    assert estimates["AUROC"].value == statistics.auc(truth, scores)
    assert (estimates["AUROC"].n, estimates["AUROC"].unit) == (5, "patients")
    assert [estimates[name].value for name in ("Sensitivity", "Specificity", "Accuracy")] == [0.75, 0.75, 0.75]
    assert estimates["AUROC"].low <= estimates["AUROC"].value <= estimates["AUROC"].high
    assert others == 1


def test_images_without_a_score_are_listed_with_their_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert external_metrics.main(small(tmp_path)) == 0
    printed = capsys.readouterr().out
    assert "without a score: 2" in printed
    assert "broken.png: truncated" in printed
    assert "absent.png" in printed
    assert "neither label: 1" in printed
    assert "without a label: 1" in printed


def test_the_last_line_is_a_markdown_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    external_metrics.main(small(tmp_path))
    row = capsys.readouterr().out.splitlines()[-1]
    value = r"\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]"
    assert re.fullmatch(rf"\| {tmp_path.name} \| {value} \| {value} \| {value} \| 8 images \|", row)


def test_an_undefined_metric_has_no_interval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = ["a.png,Pneumonia,0,1", "b.png,No Finding,0,2"]
    assert external_metrics.main(tables(tmp_path, ["a.png,X,0.2,0.4,", "b.png,X,0.1,0.4,"], labels)) == 0
    ppv = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("PPV"))
    assert ppv.split() == ["PPV", "undefined", "0", "images"]


@pytest.mark.parametrize(
    ("scores", "labels", "named"),
    [
        (["a.png,X,1.5,0.4,"], [], ["line 2", "1.5", "0 and 1"]),
        (["a.png,X,high,0.4,"], [], ["line 2", "high"]),
        (["a.png,X,nan,0.4,"], [], ["line 2", "nan"]),
        (["a.png,X,0.5,0.4,", "b.png,X,0.5,0.6,"], [], ["0.4, 0.6", "one threshold"]),
        (["x/a.png,X,0.5,0.4,", "y/a.png,X,0.5,0.4,"], [], ["line 3", "a.png"]),
        (["a.png,X,0.5,0.4,"], ["a.png,Pneumonia,0,"], ["line 2", "Patient ID"]),
        (["a.png,X,0.5,0.4,"], ["a.png,Pneumonia,0,1"], ["1 positive", "0 negative"]),
        (["a.png,X,0.5,0.4,"], ["a.png,Pneumonia,0,1", "a.png,No Finding,0,1"], ["line 3", "a.png"]),
    ],
)
def test_a_faulty_table_is_refused_with_a_sentence(
    scores: list[str], labels: list[str], named: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert external_metrics.main(tables(tmp_path, scores, labels)) == 1
    message = capsys.readouterr().err
    assert [text for text in named if text not in message] == []


def test_a_table_that_is_missing_or_has_other_columns_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = small(tmp_path)
    assert external_metrics.main(["--scores", str(tmp_path / "none.csv"), *options[2:]]) == 2
    assert "none.csv" in capsys.readouterr().err
    assert external_metrics.main([*options[:2], "--labels", options[1]]) == 2
    assert "Image Index" in capsys.readouterr().err
