"""Images of an S3 prefix, scored for a CSV file or for drift: each has its own score, or a reason for none."""

import csv
import io
from pathlib import Path

import pytest
from PIL import Image

from ml import transform
from ml.drift import __main__ as drift
from ml.drift import sources
from tests.localaws.sagemaker.builders import Cloud

from ..scoring_builders import phantom
from .builders import BUCKET, entry, jobs, models_left, put, scorer_of_context


def test_an_image_of_a_prefix_that_fails_gets_no_other_images_score_but_the_jobs_reason(
    cloud: Cloud, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"patient0000{number}/study1/view1_frontal.jpg" for number in (1, 2, 3)]
    for name, content in zip(names, (b"bad", b"[0.75, 0.25]", b"[0.25, 0.75]"), strict=True):
        put(cloud, f"transform-input/chexpert/{name}", content)
    source, target = f"s3://{BUCKET}/transform-input/chexpert", tmp_path / "scores.csv"
    assert transform.main(["--yes", "--input", source, "--output", str(target)]) == 1
    rows = {row["file"]: row for row in csv.DictReader(target.read_text().splitlines())}
    failed, *others = (rows[f"{source}/{name}"] for name in names)
    reason = jobs(cloud, model)[0]["FailureReason"]
    assert (failed["label"], failed["probability"], failed["error"]) == ("", "", f"no output ({reason})")
    assert [(row["probability"], row["error"]) for row in others] == [("0.25", ""), ("0.75", "")]
    assert reason in capsys.readouterr().err
    assert models_left(cloud) == []


def test_a_prefix_that_the_role_may_not_read_is_refused_with_sagemakers_reason(
    cloud: Cloud, model: str, tmp_path: Path
) -> None:
    put(cloud, "elsewhere/a.jpg", b"[0.5, 0.5]")
    target = tmp_path / "scores.csv"
    assert transform.main(["--yes", "--input", f"s3://{BUCKET}/elsewhere", "--output", str(target)]) == 1
    (row,) = csv.DictReader(target.read_text().splitlines())
    assert "unable to download it (AccessDenied:" in row["error"]


def test_drift_compares_each_image_of_a_prefix_by_its_own_score_and_counts_those_without(
    cloud: Cloud, model: str
) -> None:
    for number, answer in enumerate((b"bad", b"[0.75, 0.25]", b"[0.25, 0.75]")):
        picture = io.BytesIO()
        Image.open(io.BytesIO(phantom(number))).save(picture, "JPEG", comment=b"answer:" + answer + b";")
        put(cloud, f"transform-input/drift/patient{number}/study1/view1_frontal.jpg", picture.getvalue())
    source, confirmed = f"s3://{BUCKET}/transform-input/drift", list[int]()
    sample, description = sources.folder_or_prefix(source, scorer_of_context(), entry(), confirmed.append)
    assert sample.values["probability"].tolist() == [0.25, 0.75]
    assert sample.patients == [None, None]
    assert f"2 images of {source} (1 left out." in description
    assert confirmed == [3]


def test_drift_shows_the_price_of_its_job_and_creates_none_without_consent(
    cloud: Cloud, model: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(cloud, f"training/{model}/predictions.csv", b"file,label,patient,model_probability,probability,called\n")
    put(cloud, "transform-input/unasked/a.jpg", phantom(1))
    (tmp_path / "answers").write_text("y\n")
    with (tmp_path / "answers").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert drift.main(["--input", f"s3://{BUCKET}/transform-input/unasked"]) == 2
    shown = capsys.readouterr()
    assert "Transform job over 1 images on 1 x ml.m5.4xlarge" in shown.out
    assert "USD" in shown.out
    assert "--yes" in shown.err
    assert jobs(cloud, model) == []
    assert models_left(cloud) == []


@pytest.mark.parametrize("uri", ["s3://", "s3://Images/a"])
def test_a_prefix_that_is_no_s3_uri_is_refused(model: str, uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert transform.main(["--yes", "--input", uri, "--output", "scores.csv"]) == 2
    message = capsys.readouterr().err
    assert uri in message
    assert "s3://BUCKET/PREFIX" in message
