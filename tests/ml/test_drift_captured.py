"""Captured requests, in the format that SageMaker documents, from S3 to the verdict."""

import base64
import datetime as dt
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inference_proxy import explain
from PIL import Image, ImageFilter

from infra.storage import EXPIRING_DAYS
from ml import project as files
from ml.drift import captured, reference
from ml.drift.__main__ import MAX_DAYS, main
from ml.evaluation.scored_split import ScoredSplit
from radiograph import encode
from tests.localaws.server.builders import Server, document

from .conftest import STAGE
from .dataset_builders import s3
from .scoring_builders import ENTRY, phantom

NOW = dt.datetime.now(dt.UTC)
ARTIFACT = "s3://images/training/job-1/output/model.tar.gz"
MODEL = ENTRY | {"artifact": ARTIFACT, "training_job": "job-1", "dataset": "phantom/v1", "resize_mode": "squash"}
STACK = f"Pneumonia-{STAGE}-Endpoint"
GRANTS = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
SECRET = "0.7351"


def line(image: bytes, score: float = 0.25, time: dt.datetime = NOW, encoding: str = "JSON") -> dict[str, Any]:
    """A record as data capture writes it for a JPEG; the answer is text, or base64 where its type is not declared."""
    answer = json.dumps([1 - score, score])
    if encoding == "BASE64":
        answer = base64.b64encode(answer.encode()).decode()
    return {
        "captureData": {
            "endpointInput": {
                "observedContentType": "image/jpeg",
                "mode": "INPUT",
                "data": base64.b64encode(image).decode(),
                "encoding": "BASE64",
            },
            "endpointOutput": {
                "observedContentType": "application/json",
                "mode": "OUTPUT",
                "data": answer,
                "encoding": encoding,
            },
        },
        "eventMetadata": {
            "eventId": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
            "inferenceTime": f"{time:%Y-%m-%dT%H:%M:%SZ}",
        },
        "eventVersion": "0",
    }


def collect(*records: dict[str, Any] | bytes, since: dt.datetime = NOW - dt.timedelta(1)) -> captured.Requests:
    lines = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]
    return captured.collect(lines, since, MODEL)


@pytest.mark.parametrize("encoding", ["JSON", "BASE64"])
def test_both_encodings_of_an_answer_are_read(encoding: str) -> None:
    assert collect(line(phantom(1), 0.75, encoding=encoding)).scores == [0.75]


def test_each_image_counts_once_and_what_a_heat_map_asked_or_is_too_old_not_at_all() -> None:
    image = Image.open(io.BytesIO(phantom(2))).convert("L")
    covered = [encode(explain.covered(image, cell, 7)) for cell in (0, 24, 48)]
    old = line(phantom(4), time=NOW - dt.timedelta(2))
    requests = collect(line(phantom(2)), line(phantom(2)), *map(line, covered), line(phantom(3)), old, b"\n")
    assert str(requests) == (
        "6 captured requests, 2 distinct images (left out: 3 x an image covered in part for a heat map; 1 x the same "
        "image again)"
    )


def changed(path: str, value: Any) -> dict[str, Any]:
    """A sound record with one value replaced, or with None taken away."""
    record = line(phantom(1))
    *parents, last = path.split(".")
    parent = record
    for name in parents:
        parent = parent[name]
    if value is None:
        del parent[last]
    else:
        parent[last] = value
    return record


HOSTILE: list[tuple[dict[str, Any] | bytes, str]] = [
    (b"{", "the line is not a data capture record"),
    (b"\xff\xfe", "the line is not a data capture record"),
    (b"[" * 100_000, "the line is not a data capture record"),
    (b"null", "the line is not a data capture record"),
    (b"[1]", "the line is not a data capture record"),
    (changed("captureData", None), "the line is not a data capture record"),
    (changed("eventMetadata.inferenceTime", "yesterday"), "the line is not a data capture record"),
    (changed("eventMetadata.inferenceTime", 5), "the line is not a data capture record"),
    (changed("captureData", "text"), "endpointInput was not captured"),
    (changed("captureData.endpointInput", None), "endpointInput was not captured"),
    (changed("captureData.endpointOutput", None), "endpointOutput was not captured"),
    (changed("captureData.endpointInput.data", [1]), "endpointInput was not captured"),
    (changed("captureData.endpointInput.data", "%%%"), "endpointInput is not base64"),
    (changed("captureData.endpointInput.data", "\u00e9"), "endpointInput is not base64"),
    (changed("captureData.endpointInput.data", ""), "the request is not a usable image"),
    (changed("captureData.endpointInput.data", "aGVsbG8="), "the request is not a usable image"),
    (changed("captureData.endpointInput.encoding", "CSV"), "the request is not a usable image"),
    (line(phantom(1)[:2000]), "the request is not a usable image"),
    (changed("captureData.endpointOutput.data", SECRET), "the answer is not 2 probabilities"),
    (changed("captureData.endpointOutput.data", f"[{SECRET}]"), "the answer is not 2 probabilities"),
    (changed("captureData.endpointOutput.data", f"[{SECRET}, NaN]"), "the answer is not 2 probabilities"),
    (changed("captureData.endpointOutput.data", f"[0, 1{'0' * 400}]"), "the answer is not 2 probabilities"),
    (changed("captureData.endpointOutput.data", "[[], {}]"), "the answer is not 2 probabilities"),
    (changed("captureData.endpointOutput.data", "\ud800"), "the answer is not 2 probabilities"),
]


@pytest.mark.parametrize(("record", "reason"), HOSTILE)
def test_a_record_that_cannot_be_used_is_counted_with_its_reason(record: dict[str, Any] | bytes, reason: str) -> None:
    requests = collect(line(phantom(3)), record)
    assert (len(requests.scores), dict(requests.left_out)) == (1, {reason: 1})
    assert SECRET not in str(requests)


def test_days_reach_back_as_far_as_captured_requests_are_kept() -> None:
    assert EXPIRING_DAYS["capture/"] == MAX_DAYS


@pytest.fixture
def account(server: Server, aws: None, project: Path) -> Iterator[Server]:
    """An account with a model that was evaluated on 20 images, and without its data set, as after a promotion."""
    validation = [f"validation/NORMAL/{seed}.jpg" for seed in range(20)]
    for seed, file in enumerate(validation):
        s3().put_object(Bucket="images", Key=f"datasets/phantom/v1/{file}", Body=phantom(seed))
    patients: list[str | None] = [f"p{seed}" for seed in range(20)]
    scores = np.arange(20) / 20
    reference.store(MODEL, ScoredSplit(np.zeros(20, dtype=np.int64), scores, patients, validation, [""] * 20))
    for file in validation:
        s3().delete_object(Bucket="images", Key=f"datasets/phantom/v1/{file}")
    s3().put_object(Bucket="images", Key=ARTIFACT.removeprefix("s3://images/"), Body=b"weights")
    files.write(f"model:{STAGE}", MODEL)
    yield server
    cloudformation = server.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})


def deploy(server: Server, percent: int) -> None:
    """Deploy model and configuration as the endpoint stack does; no endpoint, whose requests are in S3 already."""
    iam = server.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    if "drift" not in {role["RoleName"] for role in iam.list_roles()["Roles"]}:
        iam.create_role(RoleName="drift", AssumeRolePolicyDocument=document(trust))
        iam.put_role_policy(RoleName="drift", PolicyName="grants", PolicyDocument=document(GRANTS))
    image = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"
    model = {
        "ExecutionRoleArn": iam.get_role(RoleName="drift")["Role"]["Arn"],
        "PrimaryContainer": {"Image": image, "ModelDataUrl": ARTIFACT},
    }
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": percent,
        "DestinationS3Uri": "s3://images/capture/",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1,
    }
    config = {"ProductionVariants": [variant]} | ({"DataCaptureConfig": capture} if percent else {})
    template = {
        "Resources": {
            "Model": {"Type": "AWS::SageMaker::Model", "Properties": model},
            "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": config},
        },
        "Outputs": {
            "EndpointName": {"Value": f"pneumonia-{STAGE}"},
            "EndpointConfigName": {"Value": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}},
        },
    }
    cloudformation = server.client("cloudformation")
    cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})


def capture(server: Server, change: Callable[[Image.Image], Image.Image] | None = None) -> None:
    """Put 20 requests of now into S3, in two files, where SageMaker puts them.

    Records have whole seconds: one of the second in which the configuration was made would count as older than it.
    """
    rng, time = np.random.default_rng(1), dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    records = []
    for seed in range(100, 120):
        image = Image.open(io.BytesIO(phantom(seed))).convert("L")
        records.append(json.dumps(line(encode(change(image) if change else image), float(rng.random()), time)))
    for number, part in enumerate((records[:12], records[12:])):
        key = f"capture/pneumonia-{STAGE}/AllTraffic/{time:%Y/%m/%d/%H}/{time:%M-%S}-{number}.jsonl"
        s3().put_object(Bucket="images", Key=key, Body=("\n".join(part) + "\n").encode())


def test_unchanged_images_are_no_drift_and_no_image_is_named(
    account: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(account, 20)
    capture(account)
    assert main(["--fail-on-drift"]) == 0
    printed = capsys.readouterr().out
    assert "20 captured requests, 20 distinct images of endpoint" in printed
    assert "it captures 20 % of its requests, against 20 validation images of phantom/v1" in printed
    assert "No drift found between 20 validation images and 20 images now." in printed
    assert ".jpg" not in printed


def test_blurred_images_are_drift_which_fails_only_where_that_was_asked_for(
    account: Server, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(account, 100)
    capture(account, lambda image: image.filter(ImageFilter.GaussianBlur(2)))
    assert main(["--output", "drift.json", "--days", "1"]) == 0
    (verdict,) = (row for row in capsys.readouterr().out.splitlines() if row.startswith("Warning: drift in "))
    assert "sharpness (PSI " in verdict
    figures = json.loads((project / "drift.json").read_text(encoding="utf-8"))
    assert (figures["drift"], figures["reference"], figures["now"]) == (True, 20, 20)
    assert figures["quantities"]["sharpness"]["psi"] > 0.25
    assert set(figures["positive_rate"]) == {"validation", "now"}
    assert main(["--fail-on-drift"]) == 1


def test_without_capture_the_sentence_says_how_to_switch_it_on_and_what_it_stores(
    account: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(account, 0)
    assert main([]) == 1
    sentence = capsys.readouterr().err
    for part in ("data_capture_percent is 0", f"cdk deploy --all -c stage={STAGE}", "images of patients", "--input"):
        assert part in sentence


def test_capture_that_has_stored_nothing_yet_is_a_sentence(account: Server, capsys: pytest.CaptureFixture[str]) -> None:
    deploy(account, 100)
    assert main([]) == 1
    assert f"s3://images/capture/pneumonia-{STAGE}/ holds no request since" in capsys.readouterr().err
    time = dt.datetime.now(dt.UTC)
    key = f"capture/pneumonia-{STAGE}/AllTraffic/{time:%Y/%m/%d/%H}/x.jsonl"
    s3().put_object(Bucket="images", Key=key, Body=b"{}\n{}\n")
    assert main([]) == 1
    assert "2 x the line is not a data capture record): nothing to compare" in capsys.readouterr().err


def test_an_endpoint_of_another_model_and_a_model_without_an_evaluation_are_sentences(
    account: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(account, 100)
    capture(account)
    files.write(f"model:{STAGE}", MODEL | {"artifact": "s3://images/training/job-2/output/model.tar.gz"})
    assert main([]) == 1
    assert f"serves {ARTIFACT}, and cdk.context.json has s3://images/training/job-2" in capsys.readouterr().err
    files.write(f"model:{STAGE}", MODEL)
    s3().delete_object(Bucket="images", Key=f"training/job-1/{reference.NAME}")
    assert main([]) == 1
    assert "run `python -m ml.transform` first" in capsys.readouterr().err


def test_without_an_endpoint_the_sentence_names_both_ways(account: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 1
    sentence = capsys.readouterr().err
    assert f"run `cdk deploy {STACK} -c stage={STAGE}` first. Or give images with --input" in sentence


@pytest.mark.parametrize(
    "options", [["--days", "0"], ["--days", "31"], ["--days", "x"], ["--seed", "-1"], ["--days", "2", "--input", "x"]]
)
def test_wrong_usage_ends_with_2(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_an_output_in_no_folder_ends_with_2_before_anything_is_asked(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--output", "none/drift.json"]) == 2
    assert "does not exist; make it first" in capsys.readouterr().err
