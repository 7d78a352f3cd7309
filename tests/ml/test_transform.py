"""Evaluation and scoring by batch transform on a localaws whose container is the toy: an object holds its own score."""

import csv
import io
import json
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from localaws.environment import client_environment
from ml import project, transform
from ml.drift import sources
from ml.errors import UserError
from ml.scoring import labelled, scorer, transform_job
from tests.localaws.sagemaker.builders import ROOT, Cloud, make_role, until

from .conftest import STAGE
from .test_drift import phantom

SPLITS = {"validation": 30, "validation_stressed": 30, "test": 100}
"""Images of each: one test image is 1 %."""
IMAGES = sum(SPLITS.values())
PREFIX = "datasets/images/v1/"
BUCKET = "images"
GRANTS = [
    {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
    {
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": [f"arn:aws:s3:::{BUCKET}/{part}/*" for part in ("datasets", "training", "transform-input")],
    },
    {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/transform/*"},
    {"Effect": "Allow", "Action": ["logs:*", "cloudwatch:PutMetricData"], "Resource": "*"},
]
"""What the execution role of `infra` may do with the bucket."""


def images() -> list[dict[str, Any]]:
    """Return what dataset.json says of each image: CheXpert's layout, every third patient has pneumonia."""
    return [
        {
            "file": f"{split}/{'PNEUMONIA' if number % 3 == 0 else 'NORMAL'}/p{number}/study1/view1_frontal.jpg",
            "label": int(number % 3 == 0),
            "patient": f"{split}-{number}",
            "subtype": "",
        }
        for split, count in SPLITS.items()
        for number in range(count)
    ]


def body(image: dict[str, Any]) -> bytes:
    """Return an object that the toy answers with its own content: probabilities that fit the label, all different."""
    number = int(image["patient"].rsplit("-", 1)[1])
    score = (0.6 if image["label"] else 0.2) + number / 1000
    return json.dumps([1 - score, score]).encode()


DATASET = {
    "name": "images",
    "version": "v1",
    "collection": None,
    "classes": ["NORMAL", "PNEUMONIA"],
    "images": images(),
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A localaws with the storage stack, a trained model, and a data set."""
    running = Cloud(tmp_path_factory.mktemp("transform") / "state", toy="image-classification")
    running.start()
    try:
        role = make_role(running.client("iam"), "execution", "sagemaker.amazonaws.com", {"Statement": GRANTS})
        template = {
            "Resources": {"Data": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": BUCKET}}},
            "Outputs": {"DataBucketName": {"Value": {"Ref": "Data"}}, "ExecutionRoleArn": {"Value": role}},
        }
        cloudformation, stack = running.client("cloudformation"), f"Pneumonia-{STAGE}-Storage"
        cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))
        cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
        baseline = {image["file"]: 0.5 for image in DATASET["images"]}
        put(running, f"{PREFIX}dataset.json", json.dumps(DATASET).encode())
        put(running, f"{PREFIX}baseline.json", json.dumps({"scores": baseline}).encode())
        for image in DATASET["images"]:
            put(running, PREFIX + image["file"], body(image))
        yield running
    finally:
        running.end(signal.SIGTERM)


def put(cloud: Cloud, key: str, content: bytes) -> None:
    cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)


def weights() -> bytes:
    """Return an artifact of the toy."""
    packed, content = io.BytesIO(), b'{"version": "1"}'
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("weights.json")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture
def model(cloud: Cloud, project: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A trained model of this test's own in context, not yet evaluated; the environment points at the account."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in client_environment(cloud.port).items():
        monkeypatch.setenv(name, value)
    job = f"train-{abs(hash(request.node.name)):x}"
    run = {
        "training_job": job,
        "artifact": f"s3://{BUCKET}/training/{job}/output/model.tar.gz",
        "classes": DATASET["classes"],
        "dataset": "images/v1",
        "resize_mode": "squash",
        "ended": "2026-01-01T00:00:00+00:00",
    }
    put(cloud, f"training/{job}/run.json", json.dumps(run).encode())
    put(cloud, f"training/{job}/output/model.tar.gz", weights())
    known = run | {"threshold": 0.5, "calibration": {"slope": 1.0, "intercept": 0.0}, "gate": "not evaluated"}
    (project / "cdk.context.json").write_text(json.dumps({f"model:{STAGE}": known}))
    return job


@pytest.fixture
def broken(cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Images of the test split, `request.param` many, that the container refuses."""
    chosen = [image for image in DATASET["images"] if image["file"].startswith("test/")][: request.param]
    for image in chosen:
        put(cloud, PREFIX + image["file"], b"bad image")
    yield [image["file"] for image in chosen]
    for image in chosen:
        put(cloud, PREFIX + image["file"], body(image))


@pytest.fixture
def slow(cloud: Cloud) -> Iterator[None]:
    """The last 9 images of the test split take four seconds each, three at a time."""
    chosen = DATASET["images"][-9:]
    for image in chosen:
        put(cloud, PREFIX + image["file"], b"sleep 4 " + body(image))
    yield
    for image in chosen:
        put(cloud, PREFIX + image["file"], body(image))


def entry() -> dict[str, Any]:
    return project.read_model(STAGE)


def scorer_of_context() -> scorer.Scorer:
    return scorer.scorer_of(STAGE, entry(), "ml.m5.4xlarge")


def score(attached: str | None = None) -> tuple[dict[str, float], dict[str, str]]:
    """Score the splits without being asked."""
    return labelled.split_probabilities(scorer_of_context(), DATASET, lambda images: None, attached)


def jobs(cloud: Cloud, model: str) -> list[dict[str, Any]]:
    """Return the transform jobs of a model, the oldest first."""
    sagemaker = cloud.client("sagemaker")
    names = [one["TransformJobName"] for one in sagemaker.list_transform_jobs(MaxResults=100)["TransformJobSummaries"]]
    return [
        sagemaker.describe_transform_job(TransformJobName=name) for name in reversed(names) if name.startswith(model)
    ]


def manifest(cloud: Cloud, job: dict[str, Any]) -> list[Any]:
    """Return the manifest that is a job's input."""
    source = job["TransformInput"]["DataSource"]["S3DataSource"]
    assert source["S3DataType"] == "ManifestFile"
    key = source["S3Uri"].removeprefix(f"s3://{BUCKET}/")
    content = json.loads(cloud.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert content[0] == {"prefix": f"s3://{BUCKET}/{PREFIX}"}
    return list(content[1:])


def stored(cloud: Cloud, model: str, name: str) -> bytes:
    found: bytes = cloud.client("s3").get_object(Bucket=BUCKET, Key=f"training/{model}/{name}")["Body"].read()
    return found


def models_left(cloud: Cloud) -> list[dict[str, Any]]:
    return list(cloud.client("sagemaker").list_models()["Models"])


def test_an_evaluation_is_one_job_over_the_three_splits_priced_before_and_counted_while_it_runs(
    cloud: Cloud, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert transform.main(["--yes"]) == 0
    (job,) = jobs(cloud, model)
    assert manifest(cloud, job) == [image["file"] for image in DATASET["images"]]
    assert job["TransformResources"] == {"InstanceType": "ml.m5.4xlarge", "InstanceCount": 1}
    rows = csv.DictReader(io.StringIO(stored(cloud, model, "predictions.csv").decode()))
    expected = {image["file"]: json.loads(body(image))[1] for image in DATASET["images"]}
    assert {row["file"]: float(row["model_probability"]) for row in rows} == expected
    assert json.loads(stored(cloud, model, "metrics.json"))["missing"] == {}
    assert entry()["gate"] == "passed"
    assert models_left(cloud) == []
    shown = capsys.readouterr()
    price, created = (shown.out.index(words) for words in ("Estimate: 6 billed minutes, about 0.10 USD", "--attach"))
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
    facts = json.loads(stored(cloud, model, "metrics.json"))
    assert list(facts["missing"]) == broken
    assert "the model answered 400: This is not an image." in facts["missing"][broken[0]]
    assert facts["splits"]["test"]["Accuracy"]["n"] == SPLITS["test"] - 1
    assert any("no score: 1 images" in words for words in facts["warnings"])
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
    kept = cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"training/{model}/")["Contents"]
    assert {item["Key"].rsplit("/", 1)[1] for item in kept} == {"run.json", "model.tar.gz"}


def test_ctrl_c_leaves_the_job_running_and_attach_goes_on_with_it(
    cloud: Cloud, model: str, slow: None, project: Path
) -> None:
    command = [sys.executable, "-c", "import sys; from ml import transform; sys.exit(transform.main(['--yes']))"]
    environment = client_environment(cloud.port) | {"PYTHONPATH": str(ROOT), "PATH": ""}
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=project, env=environment, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout is not None
    assert any("--attach" in line for line in iter(process.stdout.readline, ""))
    until(lambda: any(transform_job.output_keys(one["TransformOutput"]["S3OutputPath"]) for one in jobs(cloud, model)))
    process.send_signal(signal.SIGINT)
    _, sentence = process.communicate(timeout=30)
    (job,) = jobs(cloud, model)
    assert (process.returncode, job["TransformJobStatus"]) == (1, "InProgress")
    name = job["TransformJobName"]
    assert f"Transform job {name} goes on and is billed" in sentence
    for option in ("--attach", "--stop"):
        assert f"python -m ml.transform --stage {STAGE} {option} {name}" in sentence
    assert [one["ModelName"] for one in models_left(cloud)] == [name]
    assert transform.main(["--yes", "--attach", name]) == 0
    assert len(jobs(cloud, model)) == 1
    assert json.loads(stored(cloud, model, "metrics.json"))["missing"] == {}
    assert models_left(cloud) == []


def test_attach_to_a_stopped_job_sends_only_the_images_without_an_output(
    cloud: Cloud, model: str, slow: None, capsys: pytest.CaptureFixture[str]
) -> None:
    using = scorer_of_context()
    names, name = [image["file"] for image in DATASET["images"]], using.new_job()
    labelled.send(using, name, f"s3://{BUCKET}/{PREFIX}", names, using.target(name))
    until(lambda: len(transform_job.output_keys(using.target(name))) >= IMAGES // 2)
    assert transform.main(["--stop", name]) == 0
    sagemaker = cloud.client("sagemaker")
    until(lambda: sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"] == "Stopped")
    assert transform.main(["--stop", name]) == 0
    assert f"{name} had ended before: Stopped" in capsys.readouterr().out
    scored = {
        key.removeprefix(f"{using.target(name)}/".removeprefix(f"s3://{BUCKET}/")).removesuffix(".out")
        for key in transform_job.output_keys(using.target(name))
    }
    found, missing = score(attached=name)
    assert (len(found), missing) == (IMAGES, {})
    second = jobs(cloud, model)[1]
    assert manifest(cloud, second) == [file for file in names if file not in scored]
    assert score(attached=second["TransformJobName"]) == (found, missing)
    assert len(jobs(cloud, model)) == 2


def test_a_job_that_was_stopped_is_not_started_again_unasked(cloud: Cloud, model: str, slow: None) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(score)
        until(
            lambda: any(transform_job.output_keys(one["TransformOutput"]["S3OutputPath"]) for one in jobs(cloud, model))
        )
        (job,) = jobs(cloud, model)
        transform_job.stop(job["TransformJobName"])
        with pytest.raises(UserError, match=rf"of {IMAGES} images: Stopped.*--attach {job['TransformJobName']}"):
            waiting.result(60)
    assert len(jobs(cloud, model)) == 1


def sign_in(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, name: str, statements: list[dict[str, Any]]) -> None:
    """Go on as a new user who may do what the statements say."""
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Statement": statements}))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])


def test_credentials_that_end_while_a_job_runs_leave_it_running_and_say_how_to_attach(
    cloud: Cloud, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = [
        {"Effect": "Allow", "Action": ["s3:*", "cloudformation:*", "iam:PassRole"], "Resource": "*"},
        {"Effect": "Allow", "Action": ["sagemaker:CreateModel", "sagemaker:CreateTransformJob"], "Resource": "*"},
    ]
    sign_in(cloud, monkeypatch, "short", allowed)
    with pytest.raises(UserError, match="AWS refused DescribeTransformJob") as caught:
        score()
    (job,) = jobs(cloud, model)
    assert "goes on and is billed" in str(caught.value)
    assert f"--attach {job['TransformJobName']}" in str(caught.value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", client_environment(cloud.port)["AWS_ACCESS_KEY_ID"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", client_environment(cloud.port)["AWS_SECRET_ACCESS_KEY"])
    assert len(score(attached=job["TransformJobName"])[0]) == IMAGES
    assert models_left(cloud) == []


def test_a_job_that_ended_but_whose_outputs_cannot_be_read_is_not_called_billed(
    cloud: Cloud, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = f"arn:aws:s3:::{BUCKET}/transform/*"
    refused = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": outputs}
    sign_in(cloud, monkeypatch, "writer", [{"Effect": "Allow", "Action": "*", "Resource": "*"}, refused])
    with pytest.raises(UserError, match="AWS refused GetObject") as caught:
        score()
    (job,) = jobs(cloud, model)
    assert f"{job['TransformJobName']} has ended" in str(caught.value)
    assert f"--stage {STAGE} --attach {job['TransformJobName']}" in str(caught.value)
    assert "is billed" not in str(caught.value)


def test_a_job_that_does_not_exist_is_not_attached_to(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert transform.main(["--yes", "--attach", "no-such-job"]) == 2
    assert "There is no transform job no-such-job" in capsys.readouterr().err


def test_a_job_of_another_model_is_not_attached_to(
    cloud: Cloud, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    score()
    (job,) = jobs(cloud, model)
    other = entry() | {"training_job": "another"}
    project.write_model(STAGE, other)
    assert transform.main(["--yes", "--attach", job["TransformJobName"]]) == 2
    sentence = capsys.readouterr().err
    assert job["TransformOutput"]["S3OutputPath"] in sentence
    assert f"s3://{BUCKET}/transform/another/" in sentence


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
    ("options", "told"),
    [
        (["--instance-type", "m5.4xlarge"], "--instance-type m5.4xlarge is no instance type"),
        (["--prices", "cdk.json"], "--prices cdk.json is no price table"),
    ],
)
def test_an_option_that_cannot_be_is_refused_before_anything_is_created(
    cloud: Cloud, model: str, options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert transform.main(["--yes", *options]) == 2
    assert told in capsys.readouterr().err
    assert jobs(cloud, model) == []


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
    source, asked = f"s3://{BUCKET}/transform-input/drift", list[int]()
    sample, words = sources.given(source, scorer_of_context(), entry(), asked.append)
    assert sample.values["probability"].tolist() == [0.25, 0.75]
    assert words.startswith(f"2 images of {source} (1 left out.")
    assert asked == [3]
