"""An evaluation is one priced job over the splits; what has no score is sent again, named, or stops it."""

import csv
import io
import json
from pathlib import Path

import pytest

from ml import transform
from ml.drift import features, reference
from tests.localaws.sagemaker.builders import Cloud

from ..scoring_builders import phantom
from .builders import BUCKET, DATASET, IMAGES, PREFIX, SPLITS, entry, jobs, manifest, models_left, probability, stored


def test_an_evaluation_is_one_job_over_the_three_splits_priced_before_and_counted_while_it_runs(
    cloud: Cloud, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert transform.main(["--yes"]) == 0
    (job,) = jobs(cloud, model)
    assert manifest(cloud, job) == [image["file"] for image in DATASET["images"]]
    assert job["TransformResources"] == {"InstanceType": "ml.m5.4xlarge", "InstanceCount": 1}
    rows = csv.DictReader(io.StringIO(stored(cloud, model, "predictions.csv").decode()))
    expected = {image["file"]: probability(image) for image in DATASET["images"]}
    assert {row["file"]: float(row["model_probability"]) for row in rows} == expected
    assert json.loads(stored(cloud, model, "metrics.json"))["missing"] == {}
    measures = dict(zip(features.MEASURED, features.measure(features.pixels(phantom(0), "squash")), strict=True))
    assert [*csv.DictReader(io.StringIO(stored(cloud, model, reference.NAME).decode()))] == [
        {
            name: str(value)
            for name, value in {"patient": image["patient"], "model_probability": score, **measures}.items()
        }
        for image, score in zip(DATASET["images"], expected.values(), strict=True)
        if image["file"].startswith("validation/")
    ]
    assert entry()["gate"] == "passed"
    assert models_left(cloud) == []
    shown = capsys.readouterr()
    price, created = (shown.out.index(part) for part in ("Estimate: 6 billed minutes, about 0.10 USD", "--attach"))
    assert price < created
    assert f"{IMAGES} images on 1 x ml.m5.4xlarge" in shown.out
    assert f"Scored: {IMAGES} images in" in shown.err


@pytest.mark.parametrize("broken", [1], indirect=True)
def test_an_image_without_an_output_is_sent_once_more_and_then_left_out_with_its_reason(
    cloud: Cloud, model: str, broken: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert transform.main(["--yes"]) == 0
    first, second = jobs(cloud, model)
    assert manifest(cloud, second) == broken
    assert second["TransformOutput"] == first["TransformOutput"]
    metrics = json.loads(stored(cloud, model, "metrics.json"))
    assert list(metrics["missing"]) == broken
    assert "the model answered 400: This is not an image." in metrics["missing"][broken[0]]
    assert metrics["splits"]["test"]["Accuracy"]["n"] == SPLITS["test"] - 1
    assert any("no score: 1 images" in part for part in metrics["warnings"])
    assert "no score: 1 images" in capsys.readouterr().out
    assert models_left(cloud) == []


@pytest.mark.parametrize("broken", [2], indirect=True)
def test_more_than_one_percent_without_a_score_are_named_and_nothing_is_recorded(
    cloud: Cloud, model: str, broken: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = entry()
    assert transform.main(["--yes"]) == 1
    sentence = capsys.readouterr().err
    assert f"2 of {SPLITS['test']} test images have no score; at most 1% may be left out" in sentence
    assert all(f"{file}: no output (" in sentence for file in broken)
    assert f"--attach {jobs(cloud, model)[-1]['TransformJobName']}" in sentence
    assert entry() == before
    objects = cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"training/{model}/")["Contents"]
    assert {item["Key"].rsplit("/", 1)[1] for item in objects} == {"run.json", "model.tar.gz"}


def test_without_a_terminal_and_without_yes_nothing_is_created(
    cloud: Cloud, model: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").write_text("y\n")
    with (tmp_path / "empty").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert transform.main([]) == 2
        assert transform.main(["--input", f"s3://{BUCKET}/{PREFIX}test/", "--output", str(tmp_path / "out.csv")]) == 2
    shown = capsys.readouterr()
    assert "add --yes" in shown.err
    assert f"{IMAGES} images" in shown.out
    assert jobs(cloud, model) == []
    assert models_left(cloud) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--instance-type", "m5.4xlarge"], "--instance-type m5.4xlarge"),
        (["--prices", "cdk.json"], "--prices cdk.json"),
    ],
)
def test_an_option_that_cannot_be_is_refused_before_anything_is_created(
    cloud: Cloud, model: str, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert transform.main(["--yes", *options]) == 2
    assert message in capsys.readouterr().err
    assert jobs(cloud, model) == []
