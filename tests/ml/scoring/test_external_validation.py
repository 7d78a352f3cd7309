"""`--external` measures the evaluated model on another data set and records it beside the evaluation."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml import transform
from ml.evaluation.calibration import LogitCalibration
from ml.evaluation.metrics import as_json, split_metrics
from ml.evaluation.scored_split import scored
from tests.localaws.sagemaker.builders import Cloud

from . import builders
from .builders import BUCKET, DATASET, entry, jobs, manifest, models_left, put, stored

NAME = "hospital/0a1b"
PREFIX = f"datasets/{NAME}/"
EXTERNAL_IMAGES = builders.images({"train": 40, "validation": 20, "test": 20, "validation_perturbed": 20})
OTHER: dict[str, Any] = DATASET | {
    "name": "hospital",
    "version": "0a1b",
    "collection": "nih",
    "images": [
        image | {"pixels": f"other-{image['pixels']}", "patient": f"patient-{number // 2}"}
        for number, image in enumerate(EXTERNAL_IMAGES)
    ],
}
MEASURED = [image for image in OTHER["images"] if not image["file"].startswith("validation_perturbed/")]


def probability(image: dict[str, Any]) -> float:
    """Return a probability that has nothing to do with the label."""
    return (int(image["pixels"].rsplit("-", 1)[1]) * 37 % 100) / 100


@pytest.fixture
def hospital(cloud: Cloud) -> Iterator[dict[str, Any]]:
    """A prepared data set of another population in the bucket."""
    put(cloud, f"{PREFIX}dataset.json", json.dumps(OTHER).encode())
    for image in OTHER["images"]:
        score = probability(image)
        put(cloud, PREFIX + image["file"], json.dumps([1 - score, score]).encode())
    yield OTHER
    for image in OTHER["images"]:
        cloud.client("s3").delete_object(Bucket=BUCKET, Key=PREFIX + image["file"])


def metrics_of(cloud: Cloud, model: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(stored(cloud, model, "metrics.json"))
    return content


@pytest.mark.usefixtures("hospital")
def test_all_images_of_another_population_are_measured_with_the_threshold_and_calibration_unchanged(
    cloud: Cloud, model: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert transform.main(["--yes"]) == 0
    before, context = metrics_of(cloud, model), (project / "cdk.context.json").read_bytes()
    assert before["external"] == {}
    assert "None recorded" in before["card"]["External validation"]
    page, table = stored(cloud, model, "report.html").decode(), stored(cloud, model, "predictions.csv")
    capsys.readouterr()
    assert transform.main(["--yes", "--external", NAME]) == 0

    assert manifest(cloud, jobs(cloud, model)[1], PREFIX) == [image["file"] for image in MEASURED]
    after = metrics_of(cloud, model)
    changed = {"external", "card", "warnings"}
    assert {name: value for name, value in after.items() if name not in changed} == {
        name: value for name, value in before.items() if name not in changed
    }
    raw = scored(MEASURED, {image["file"]: probability(image) for image in MEASURED})
    assert before["calibration"]["method"] == "temperature"
    calibration = LogitCalibration.of(before["calibration"]["slope"], before["calibration"]["intercept"])
    images = raw.with_scores(calibration.apply(raw.scores))
    expected = as_json(split_metrics(images, before["threshold"], before["prevalence"]))
    record = after["external"][NAME]
    assert record["metrics"] == json.loads(json.dumps(expected, default=float))
    assert (record["images"], record["collection"], record["missing"]) == (80, "nih", 0)
    assert {name: record["metrics"]["AUROC"][name] for name in ("n", "unit")} == {"n": 40, "unit": "patients"}

    assert (project / "cdk.context.json").read_bytes() == context
    assert stored(cloud, model, "predictions.csv") == table
    rows = list(csv.DictReader(io.StringIO(stored(cloud, model, "external-hospital-0a1b.csv").decode())))
    assert [row["file"] for row in rows] == [image["file"] for image in MEASURED]
    report = stored(cloud, model, "report.html").decode()
    assert f'<th scope="col">{NAME}</th>' in report
    assert all(svg in report for svg in page.split("<figure role")[1:4]), "a chart changed"
    auroc = f"{record['metrics']['AUROC']['value']:.3f}"
    assert all(part in after["card"]["External validation"] for part in (NAME, "NIH ChestX-ray14", auroc))
    assert any(NAME in warning and auroc in warning for warning in after["warnings"])
    assert models_left(cloud) == []
    shown = capsys.readouterr().out
    assert shown.index("Estimate: ") < shown.index(f"--external {NAME} --attach")
    assert "80 images on 1 x ml.m5.4xlarge" in shown


@pytest.mark.usefixtures("hospital")
def test_an_external_evaluation_stays_until_the_threshold_changes(
    cloud: Cloud, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert transform.main(["--yes"]) == 0
    job = jobs(cloud, model)[0]["TransformJobName"]
    assert transform.main(["--yes", "--external", NAME]) == 0
    assert transform.main(["--yes", "--attach", job]) == 0
    assert list(metrics_of(cloud, model)["external"]) == [NAME]
    capsys.readouterr()
    assert transform.main(["--yes", "--attach", job, "--target-sensitivity", "0.5"]) in (0, 1)
    assert metrics_of(cloud, model)["external"] == {}
    assert f"--external {NAME}" in capsys.readouterr().out


@pytest.mark.usefixtures("hospital")
def test_a_job_is_attached_to_only_with_the_data_set_that_it_scores(
    cloud: Cloud, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert transform.main(["--yes"]) == 0
    assert transform.main(["--yes", "--external", NAME]) == 0
    own, other = (job["TransformJobName"] for job in jobs(cloud, model))
    record = metrics_of(cloud, model)["external"]
    capsys.readouterr()
    assert transform.main(["--yes", "--external", NAME, "--attach", own]) == 2
    assert f"{model}/hospital/0a1b/" in capsys.readouterr().err
    assert transform.main(["--yes", "--attach", other]) == 2
    assert f"{model}/images/v1/" in capsys.readouterr().err
    assert transform.main(["--yes", "--external", NAME, "--attach", other]) == 0
    assert metrics_of(cloud, model)["external"] == record
    assert len(jobs(cloud, model)) == 2


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"settings": {"resize_mode": "pad", "format": "lst"}}, ("pad", "squash")),
        ({"settings": {"resize_mode": "squash", "format": "recordio"}}, ("recordio", "lst")),
        ({"images": [*OTHER["images"], DATASET["images"][0]]}, ("1 of its 81 images", "images/v1")),
    ],
)
def test_a_data_set_that_cannot_measure_the_model_is_refused_before_a_job_is_created(
    cloud: Cloud,
    model: str,
    changes: dict[str, Any],
    parts: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(cloud, f"training/{model}/metrics.json", b"{}")
    put(cloud, f"{PREFIX}dataset.json", json.dumps(OTHER | changes).encode())
    assert transform.main(["--yes", "--external", NAME]) == 2
    sentence = capsys.readouterr().err
    assert all(part in sentence for part in (NAME, *parts))
    assert jobs(cloud, model) == []


@pytest.mark.usefixtures("hospital")
def test_a_model_without_an_evaluation_is_not_measured_elsewhere(
    cloud: Cloud, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    known = entry()
    assert transform.main(["--yes", "--external", NAME]) == 1
    assert f"{model} was not evaluated" in capsys.readouterr().err
    assert (entry(), jobs(cloud, model)) == (known, [])
