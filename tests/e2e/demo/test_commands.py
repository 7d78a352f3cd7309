"""The `ml` commands against the running cloud: run again and compared."""

import csv
import json
import re

import pytest

from demo.walk import PHANTOM_SCORING

from ..builders import STAGE, Demo
from .calls import model_in_context, post, stored


def test_report_run_record_and_context_agree_to_the_last_digit(cloud: Demo) -> None:
    model = model_in_context(cloud)
    facts, run = json.loads(stored(cloud, "metrics.json")), json.loads(stored(cloud, "run.json"))
    assert model["metrics"] == facts["splits"]["test"]
    assert model["threshold"] == facts["threshold"]
    assert model["artifact"] == facts["artifact"] == run["artifact"]
    assert model["dataset"] == facts["dataset"] == run["dataset"]
    page = stored(cloud, "report.html").decode().replace("\N{NO-BREAK SPACE}", " ")
    for name, one in facts["splits"]["test"].items():
        assert f"<td>{name}</td><td>{one['value']:.3f} [" in page


def test_evaluating_again_gives_the_same_metrics_to_the_last_digit(cloud: Demo) -> None:
    before, context = stored(cloud, "metrics.json"), (cloud.project / "cdk.context.json").read_bytes()
    done = cloud.run("python", "-m", "ml.transform", "--stage", STAGE, *PHANTOM_SCORING)
    assert done.returncode == 0, done.stdout + done.stderr
    assert stored(cloud, "metrics.json") == before
    assert (cloud.project / "cdk.context.json").read_bytes() == context


def test_a_run_is_listed_and_can_be_used_again(cloud: Demo) -> None:
    path = cloud.project / "cdk.context.json"
    before, job = path.read_bytes(), model_in_context(cloud)["training_job"]
    listed = cloud.run("python", "-m", "ml.train", "--stage", STAGE, "--list").stdout
    assert re.search(rf"^\* {job} .*[01]\.\d{{4}}", listed, re.MULTILINE), listed
    context = json.loads(before)
    del context[f"model:{STAGE}"]
    path.write_text(json.dumps(context))
    assert cloud.run("python", "-m", "ml.train", "--stage", STAGE, "--use", job).returncode == 0
    assert path.read_bytes() == before
    unknown = cloud.run("python", "-m", "ml.train", "--stage", STAGE, "--use", "no-such-job")
    assert (unknown.returncode, "There is no training job no-such-job" in unknown.stderr) == (2, True)


def test_any_images_are_scored_into_a_table_and_what_is_no_image_is_named(cloud: Demo) -> None:
    folder = cloud.project / "any images"
    folder.mkdir()
    (folder / "Röntgen 1.jpg").write_bytes(cloud.images("PNEUMONIA")[0])
    (folder / "notes.txt").write_text("no image")
    target = cloud.project / "scores.csv"
    command = ["python", "-m", "ml.transform", "--stage", STAGE, "--yes", "--input", str(folder)]
    command += ["--output", str(target)]
    done = cloud.run(*command)
    assert done.returncode == 1
    assert "1 files have no score; the column `error`" in done.stderr
    rows = csv.DictReader(target.read_text(encoding="utf-8").splitlines())
    image, notes = sorted(rows, key=lambda row: row["error"])
    expected = post(cloud, cloud.images("PNEUMONIA")[0]).body
    assert (image["file"], image["label"]) == ("Röntgen 1.jpg", expected["label"])
    assert float(image["probability"]) == pytest.approx(expected["probability"], abs=0.02)
    assert (notes["file"], notes["probability"]) == ("notes.txt", "")
    assert "Received a text" in notes["error"]
    left = cloud.session.client("s3").list_objects_v2(Bucket=cloud.data_bucket, Prefix="transform-input/")
    assert [item["Key"] for item in left.get("Contents", []) if not item["Key"].endswith(".manifest")] == []
