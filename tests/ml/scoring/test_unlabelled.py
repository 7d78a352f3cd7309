"""Images of a folder or an S3 prefix, scored for a CSV file or for drift: each has its own score, or a reason."""

import csv
import functools
import io
import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from localaws.environment import client_environment
from ml import project as files
from ml import transform
from ml.dataset.standardising import read
from ml.drift import __main__ as drift
from ml.drift import reference, sources
from ml.scoring import input_images, unlabelled
from radiograph import ResizeMode, encode
from radiograph.phantom import draw
from tests.localaws.sagemaker.builders import ROOT, Cloud
from tests.localaws.sagemaker.toy import jpeg_answer
from tests.radiograph.dicom_files import dataset, saved

from ..conftest import STAGE
from .builders import BUCKET, entry, jobs, models_left, put, scorer_of_context

WARD = "hospital"
"""A bucket that the execution role may not read."""


@functools.cache
def photograph(seed: int, extension: str = "PNG") -> bytes:
    """Return a synthetic image that is not square, as a hospital stores it."""
    buffer = io.BytesIO()
    draw(seed, bool(seed % 2)).resize((300, 240)).save(buffer, extension)
    return buffer.getvalue()


@functools.cache
def answer(content: bytes, resize_mode: ResizeMode = "squash") -> bytes:
    """Return the container's answer to the standardised copy of an image."""
    return jpeg_answer(encode(read(content, resize_mode)))


def photographs(refused: bool, count: int) -> list[bytes]:
    """Return images that the container scores, or refuses."""
    every = (photograph(seed) for seed in range(1, 200))
    return [*itertools.islice((content for content in every if (answer(content) == b"bad") is refused), count)]


@pytest.fixture
def ward(cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[str]:
    """A prefix of this test's own in the hospital's bucket."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=WARD)
    yield f"s3://{WARD}/{abs(hash(request.node.name)):x}"
    for item in s3.list_objects_v2(Bucket=WARD).get("Contents", []):
        s3.delete_object(Bucket=WARD, Key=item["Key"])
    s3.delete_bucket(Bucket=WARD)


def fill(cloud: Cloud, ward: str, contents: dict[str, bytes]) -> None:
    for name, content in contents.items():
        cloud.client("s3").put_object(Bucket=WARD, Key=f"{ward.removeprefix(f's3://{WARD}/')}/{name}", Body=content)


def table(target: Path) -> dict[str, dict[str, str]]:
    return {row["file"]: row for row in csv.DictReader(target.read_text().splitlines())}


def remaining_keys(cloud: Cloud, source: str) -> list[str]:
    """Return the copies and outputs of a source that are left in the bucket."""
    using, s3 = scorer_of_context(), cloud.client("s3")
    batch = unlabelled.batch_name(source, using)
    prefixes = f"transform-input/{batch}/", f"transform/{using.training_job}/{batch}/"
    listed = [s3.list_object_versions(Bucket=BUCKET, Prefix=prefix) for prefix in prefixes]
    return [item["Key"] for page in listed for item in page.get("Versions", [])]


def set_model(**changes: Any) -> None:
    files.write_model(STAGE, entry() | changes)


def test_the_users_bucket_is_read_with_the_users_credentials_and_scored_as_standardised_copies(
    cloud: Cloud, model: str, ward: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_model(resize_mode="pad", gate="passed")
    contents = {f"patient{seed}/view1.png": photograph(seed) for seed in range(1, 9)}
    contents["patient9/view1.dcm"] = saved(dataset(np.asarray(draw(9, True).resize((300, 240)), np.uint16) * 16))
    contents = {name: content for name, content in contents.items() if answer(content, "pad") != b"bad"}
    fill(cloud, ward, contents | {"notes/": b"", "notes/a.txt": b"text"})
    target = tmp_path / "scores.csv"
    assert transform.main(["--yes", "--input", ward, "--output", str(target)]) == 1
    rows = table(target)
    assert len(rows) == len(contents) + 1 >= 7
    for name, content in contents.items():
        row = rows[f"{ward}/{name}"]
        assert float(row["probability"]) == pytest.approx(json.loads(answer(content, "pad"))[1])
        assert (row["error"], row["model_gate"]) == ("", "passed")
    assert "Received a text" in rows[f"{ward}/notes/a.txt"]["error"]
    shown = capsys.readouterr()
    announced = shown.out.index(f"{len(contents) + 1} images of {ward} (0.00 GB)")
    assert announced < shown.out.index("USD") < shown.out.index(f"scores {len(contents)} images")
    assert "Warning" not in shown.out
    assert f"Standardised and uploaded: {len(contents) + 1} images" in shown.err
    assert remaining_keys(cloud, ward) == []
    assert models_left(cloud) == []


def test_an_image_that_the_container_refuses_gets_the_jobs_reason_and_is_sent_alone_by_the_next_run(
    cloud: Cloud, model: str, ward: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (refused,), scored = photographs(True, 1), photographs(False, 2)
    fill(cloud, ward, {"a/view1.png": refused, "b/view1.png": scored[0], "c/view1.png": scored[1]})
    target = tmp_path / "scores.csv"
    for run in (1, 2):
        assert transform.main(["--yes", "--input", ward, "--output", str(target)]) == 1
        rows, created = table(target), jobs(cloud, model)
        reason = created[-1]["FailureReason"]
        assert (rows[f"{ward}/a/view1.png"]["probability"], rows[f"{ward}/a/view1.png"]["label"]) == ("", "")
        assert rows[f"{ward}/a/view1.png"]["error"] == f"no output ({reason})"
        for name, content in zip("bc", scored, strict=True):
            assert float(rows[f"{ward}/{name}/view1.png"]["probability"]) == json.loads(answer(content))[1]
        assert reason in capsys.readouterr().err
        assert len(created) == run
    assert "1 of 1 objects failed" in reason


def test_a_run_after_ctrl_c_takes_the_scores_of_the_job_that_runs(
    cloud: Cloud, model: str, project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, target = tmp_path / "images", tmp_path / "scores.csv"
    folder.mkdir()
    contents = {f"{number}.png": content for number, content in enumerate(photographs(False, 5))}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    options = ["--yes", "--input", str(folder), "--output", str(target)]
    context = json.loads((project / "cdk.context.json").read_text())
    context[f"model:{STAGE}"]["environment"] = {"START_SECONDS": "5"}  # the job still runs at Ctrl-C
    (project / "cdk.context.json").write_text(json.dumps(context))
    script = "import sys; from ml import transform; sys.exit(transform.main(sys.argv[1:]))"
    environment = client_environment(cloud.port) | {"PYTHONPATH": str(ROOT), "PATH": ""}
    with subprocess.Popen(
        [sys.executable, "-u", "-c", script, *options],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert any("scores 5 images" in line for line in iter(process.stdout.readline, ""))
        process.send_signal(signal.SIGINT)
        sentence = process.stdout.read()
    assert len(jobs(cloud, model)) == 1
    assert process.returncode in (1, 130)
    assert "ame command" in sentence
    assert not target.exists()
    assert transform.main(options) == 0
    assert len(jobs(cloud, model)) == 1
    assert {name: float(row["probability"]) for name, row in table(target).items()} == {
        name: json.loads(answer(content))[1] for name, content in contents.items()
    }
    assert "Standardised and uploaded" not in capsys.readouterr().err
    assert remaining_keys(cloud, str(folder)) == []
    assert models_left(cloud) == []


def test_copies_that_are_uploaded_are_not_read_again(cloud: Cloud, model: str, ward: str) -> None:
    content = photograph(1)
    fill(cloud, ward, {"a.png": content, "b.png": content})
    images = {image.copy_name("squash"): image for image in input_images.list_images(ward)}
    first, second = images
    prefix = f"s3://{BUCKET}/transform-input/again/"
    assert input_images.upload_copies(ward, {first: images[first]}, prefix, "squash") == {}
    cloud.client("s3").delete_object(Bucket=WARD, Key=images[first].name.removeprefix(f"s3://{WARD}/"))
    assert input_images.upload_copies(ward, images, prefix, "squash") == {}
    changed = input_images.InputImage(images[second].name, images[second].size, '"another ETag"')
    assert changed.copy_name("squash") not in images
    assert images[second].copy_name("pad") not in images
    rejects = input_images.upload_copies(ward, {"gone.jpg": images[first]}, prefix, "squash")
    assert "GetObject" in rejects["gone.jpg"]
    for copy in images:
        cloud.client("s3").delete_object(Bucket=BUCKET, Key=f"transform-input/again/{copy}")


def test_a_prefix_that_the_user_may_not_list_is_refused_before_anything_is_created(
    cloud: Cloud, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--yes", "--input", "s3://no-such-hospital/a", "--output", str(tmp_path / "scores.csv")]
    assert transform.main(options) == 1
    assert "ListObjectsV2" in capsys.readouterr().err
    assert jobs(cloud, model) == []


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("AUROC is 0.852, below 0.9", "AUROC is 0.852, below 0.9"),
        ("it was not evaluated yet; run `python -m ml.transform`", "not evaluated yet"),
        ("forced", "by force"),
    ],
)
def test_scores_of_a_model_that_did_not_pass_the_gate_say_so(
    cloud: Cloud, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], gate: str, message: str
) -> None:
    set_model(gate=gate)
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.png").write_bytes(photographs(False, 1)[0])
    target = tmp_path / "scores.csv"
    assert transform.main(["--yes", "--input", str(tmp_path / "images"), "--output", str(target)]) == 0
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.startswith("Warning: ")
    assert message in first
    assert str(target) in last
    assert message in last
    assert table(target)["a.png"]["model_gate"] == gate


def test_drift_compares_each_image_of_a_prefix_by_its_own_score_and_counts_those_without(
    cloud: Cloud, model: str, ward: str
) -> None:
    (refused,), scored = photographs(True, 1), photographs(False, 2)
    fill(cloud, ward, {"a/view1.png": refused, "b/view1.png": scored[0], "c/view1.png": scored[1]})
    confirmed = list[int]()
    sample, description = sources.folder_or_prefix(ward, scorer_of_context(), entry(), confirmed.append)
    assert sorted(sample.values["probability"].tolist()) == pytest.approx(
        sorted(json.loads(answer(content))[1] for content in scored), abs=1e-4
    )
    assert sample.patients == [None, None]
    assert f"2 images of {ward} (1 left out." in description
    assert confirmed == [3]


def test_drift_shows_the_price_of_its_job_and_creates_none_without_consent(
    cloud: Cloud,
    model: str,
    ward: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(cloud, f"training/{model}/{reference.NAME}", ",".join(reference.COLUMNS).encode())
    fill(cloud, ward, {"a.png": photograph(1)})
    (tmp_path / "answers").write_text("y\n")
    with (tmp_path / "answers").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert drift.main(["--input", ward]) == 2
    shown = capsys.readouterr()
    assert "Transform job over 1 images on 1 x ml.m5.4xlarge" in shown.out
    assert "USD" in shown.out
    assert "--yes" in shown.err
    assert jobs(cloud, model) == []
    assert remaining_keys(cloud, ward) == []


@pytest.mark.parametrize("uri", ["s3://", "s3://Images/a"])
def test_a_prefix_that_is_no_s3_uri_is_refused(model: str, uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert transform.main(["--yes", "--input", uri, "--output", "scores.csv"]) == 2
    message = capsys.readouterr().err
    assert uri in message
    assert "s3://BUCKET/PREFIX" in message
