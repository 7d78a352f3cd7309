"""A released model becomes a version, a person approves it, and only then another stage gets the same bytes."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest

from localaws.environment import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY
from ml import export, promote, registry, transform
from ml import project as files
from ml.aws import clients
from ml.graph import proof
from ml.model_registry import packages, registration
from tests.lambda_ import graphs
from tests.localaws.server.builders import Server

from .conftest import TEMPLATE, enter_account
from .released_builders import (
    ARTIFACT,
    BUCKET,
    DATASET,
    IMAGES,
    JOB,
    RUN,
    archive,
    metrics_of,
    put,
    put_evaluated_model,
    put_evaluation,
    read,
    register_model,
    release,
    s3,
    score,
)
from .scoring_builders import phantom

SOURCE, TARGET, GONE, ABROAD = "dev", "prod", "gone", "abroad"
BUCKETS = {GONE: ("images-gone", REGION), TARGET: ("images-prod", REGION), ABROAD: ("images-abroad", "eu-west-1")}
MISSED = {"passed": False, "rules": [], "sentence": "the lower 95 % bound of AUROC is 0.869, below the minimum of 0.9"}
PROMOTE = ["--from", SOURCE, "--to", TARGET, "--yes"]
ARTIFACT_KEY = f"training/{JOB}/output/model.tar.gz"


@pytest.fixture(scope="module")
def sagemaker(server: Server) -> dict[str, Any]:
    """The storage stacks of two stages, one of them in another region; SageMaker's client by region."""
    clients_of = {}
    for stage, (bucket, region) in BUCKETS.items():
        session = boto3.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=region)
        stacks, clients_of[region] = (
            session.client(service, endpoint_url=f"http://localhost:{server.port}")
            for service in ("cloudformation", "sagemaker")
        )
        data = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": bucket}}
        name = f"Pneumonia-{stage}-Storage"
        stacks.create_stack(StackName=name, TemplateBody=json.dumps(TEMPLATE | {"Resources": {"Data": data}}))
        stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
        if stage == GONE:
            session.client("s3", endpoint_url=f"http://localhost:{server.port}").delete_bucket(Bucket=bucket)
    return clients_of


@pytest.fixture
def account(
    server: Server, sagemaker: dict[str, Any], project: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """An account whose buckets are empty and which has no package groups."""
    enter_account(server, monkeypatch)
    context = {"stage": SOURCE, "defaults": {"lease_hours": 0}, "stages": {TARGET: {"lease_hours": 8}}}
    (project / "cdk.json").write_text(json.dumps({"context": context}))
    yield server
    for client in sagemaker.values():
        for group in client.list_model_package_groups()["ModelPackageGroupSummaryList"]:
            name = group["ModelPackageGroupName"]
            for summary in client.list_model_packages(ModelPackageGroupName=name)["ModelPackageSummaryList"]:
                client.delete_model_package(ModelPackageName=summary["ModelPackageArn"])
            client.delete_model_package_group(ModelPackageGroupName=name)
    for bucket in ("images-prod", "images-abroad"):
        for item in s3().list_objects_v2(Bucket=bucket).get("Contents", []):
            s3().delete_object(Bucket=bucket, Key=item["Key"])


def versions(stage: str) -> list[dict[str, Any]]:
    """Return the versions of a stage as SageMaker describes them, the newest first."""
    return [package | {"ResponseMetadata": None} for package in packages.newest_first(stage)]


def objects() -> dict[str, tuple[str, Any]]:
    """Return entity tag and time of each object of the stage that models are promoted to."""
    listed = s3().list_objects_v2(Bucket="images-prod").get("Contents", [])
    return {item["Key"]: (item["ETag"], item["LastModified"]) for item in listed}


def approve_model() -> None:
    register_model(SOURCE)
    assert registry.main(["approve", "1"]) == 0


def refusal(capsys: pytest.CaptureFixture[str], options: list[str], code: int) -> str:
    """Promote, which fails with this exit code and writes nothing; return the error."""
    assert promote.main(options) == code
    assert (f"model:{TARGET}" in files.read_context(), objects()) == (False, {})
    return capsys.readouterr().err


@pytest.mark.usefixtures("account")
def test_a_released_model_waits_for_approval_as_one_version_however_often_it_is_released() -> None:
    files.write_model(SOURCE, RUN)
    put(f"training/{JOB}/run.json", json.dumps(RUN).encode())
    release(SOURCE, b"artifact")
    (package,) = versions(SOURCE)
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    (container,) = package["InferenceSpecification"]["Containers"]
    assert container == {"Image": RUN["image"], "ModelDataUrl": ARTIFACT, "Environment": RUN["environment"]}
    known = package["CustomerMetadataProperties"]
    expected = {"training-job": JOB, "dataset": DATASET, "algorithm": "pytorch", "gate": "passed", "stage": SOURCE}
    assert expected.items() <= known.items()
    assert known["artifact-sha256"] == hashlib.sha256(b"artifact").hexdigest()
    statistics = package["ModelMetrics"]["ModelQuality"]["Statistics"]
    quality = read(statistics["S3Uri"].removeprefix(f"s3://{BUCKET}/"))
    assert statistics["ContentDigest"] == f"sha256:{hashlib.sha256(quality).hexdigest()}"
    assert json.loads(quality)["binary_classification_metrics"]["auc"]["value"] == 0.98
    assert known["auroc"] == "0.9800"
    release(SOURCE, b"artifact", external={"hospital/01": {"auroc": 0.5}})
    assert versions(SOURCE) == [package]
    release(SOURCE, b"artifact", threshold=0.25)
    release(SOURCE, b"another artifact", threshold=0.25)
    assert [version["ModelPackageVersion"] for version in versions(SOURCE)] == [3, 2, 1]


def test_a_model_whose_registration_is_refused_is_released_and_registered_later(
    account: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files.write_model(SOURCE, RUN)
    put(f"training/{JOB}/run.json", json.dumps(RUN).encode())
    key, secret = user(account, "evaluator", {"sagemaker": VERSIONS, BUCKET: S3_WRITE})
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", key)
        patch.setenv("AWS_SECRET_ACCESS_KEY", secret)
        release(SOURCE, b"artifact")
        shown = capsys.readouterr().out
        assert registry.main(["register"]) == 1
    assert all(part in shown for part in ("sagemaker:CreateModelPackageGroup", f"--stage {SOURCE} register"))
    assert (files.read_model(SOURCE)["gate"], versions(SOURCE)) == ("passed", [])
    for _ in range(2):
        assert registry.main(["register"]) == 0
    (package,) = versions(SOURCE)
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    files.write_model(SOURCE, RUN | {"training_job": "new"})
    put("training/new/run.json", json.dumps(RUN).encode())
    assert registry.main(["register"]) == 1
    assert "new of stage dev is not released" in capsys.readouterr().err


@pytest.mark.usefixtures("account")
def test_a_model_released_by_force_is_rejected_until_it_is_approved_with_a_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(ARTIFACT_KEY, b"artifact")
    registration.register(SOURCE, RUN, metrics_of(forced=True, gate=MISSED))
    (package,) = versions(SOURCE)
    assert package["ModelApprovalStatus"] == "Rejected"
    assert MISSED["sentence"] in package["ModelPackageDescription"]
    assert registry.main(["approve", "1"]) == 2
    error = capsys.readouterr().err
    assert str(MISSED["sentence"]) in error
    assert "--reason" in error
    assert registry.main(["approve", "1", "--reason", "used for a\nstudy, 95 %"]) == 0
    (package,) = versions(SOURCE)
    assert (package["ModelApprovalStatus"], package["ApprovalDescription"]) == ("Approved", "used for a study, 95 %")


@pytest.mark.usefixtures("account")
def test_versions_are_listed_approved_and_rejected_by_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert registry.main(["list"]) == 0
    assert f"python -m ml.transform --stage {SOURCE}" in capsys.readouterr().out
    register_model(SOURCE)
    for options, code, words in (
        (["reject", "1"], 2, ["--reason"]),
        (["approve"], 2, ["number"]),
        (["approve", "7"], 2, ["7", f"pneumonia-{SOURCE}", "list"]),
        (["list", "1"], 2, ["list"]),
        (["reject", "1", "--reason", "x" * 1025], 2, ["1025", "1024"]),
    ):
        assert registry.main(options) == code
        error = capsys.readouterr().err
        assert all(word in error for word in words), error
    assert registry.main(["reject", "1", "--reason", "too few infants"]) == 0
    assert registry.main(["list"]) == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("Rejected", JOB, DATASET, "too few infants"))
    assert registry.main(["approve", "1"]) == 0
    before = versions(SOURCE)
    assert registry.main(["approve", "1"]) == 0
    assert versions(SOURCE) == before


@pytest.mark.usefixtures("account")
def test_a_promoted_model_answers_with_the_same_probabilities_and_says_where_it_came_from(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    put_evaluated_model(SOURCE)
    release(SOURCE, archive(model_onnx=graphs.exported()))
    source = files.read_model(SOURCE)
    assert registry.main(["approve", "1"]) == 0
    assert promote.main(PROMOTE) == 0
    entry = files.read_model(TARGET)
    assert read(ARTIFACT_KEY, "images-prod") == read(ARTIFACT_KEY)
    assert entry["artifact"] == ARTIFACT.replace("images", "images-prod")
    assert entry["graph"]["sha256"] == source["graph"]["sha256"]
    changed = {"artifact", "graph", "report", "promoted_from"}
    assert {name: entry[name] for name in source.keys() - changed} == {
        name: source[name] for name in source.keys() - changed
    }
    (graph := tmp_path / "model.onnx").write_bytes(
        read(entry["graph"]["uri"].removeprefix("s3://images-prod/"), "images-prod")
    )
    pixels = np.stack([proof.decoded(phantom(number)) for number in range(IMAGES)])
    assert proof.session(graph)(pixels)[:, 1] == pytest.approx([score(number) for number in range(IMAGES)], abs=1e-5)
    (approved,), (version,) = versions(SOURCE), versions(TARGET)
    known = version["CustomerMetadataProperties"]
    origin = entry["promoted_from"]
    assert version["ModelApprovalStatus"] == "Approved"
    assert known["source-package"] == origin["source_package"] == approved["ModelPackageArn"]
    assert (known["source-stage"], known["source-account"]) == (SOURCE, "000000000000")
    assert origin["artifact_sha256"] == hashlib.sha256(read(ARTIFACT_KEY)).hexdigest()
    assert json.loads(read(f"training/{JOB}/run.json", "images-prod"))["promoted_from"] == origin
    stored, context = objects(), files.read_context()
    assert f"lease:{TARGET}" in context
    evaluation = ("metrics.json", "predictions.csv", "drift-reference.csv", "report.html")
    assert {f"training/{JOB}/{name}" for name in evaluation} <= stored.keys()
    assert promote.main([*PROMOTE[:-1], "--version", "1"]) == 0  # without --yes, because nothing changes
    assert (objects(), files.read_context(), versions(TARGET)) == (stored, context, [version])
    assert "Copied" not in capsys.readouterr().out.rpartition("Promote version")[2]


@pytest.mark.usefixtures("account")
def test_what_needs_the_data_set_of_a_promoted_model_names_the_stage_that_has_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    approve_model()
    assert promote.main(PROMOTE) == 0
    for command in (export, transform):
        assert command.main(["--stage", TARGET]) == 1
        error = capsys.readouterr().err
        assert all(part in error for part in (f"s3://images-{TARGET}/datasets/", DATASET, f"--stage {SOURCE}")), error


@pytest.mark.usefixtures("account")
def test_a_promotion_that_was_interrupted_is_completed_and_a_damaged_copy_is_replaced() -> None:
    approve_model()
    put(ARTIFACT_KEY, b"art", "images-prod")
    put(f"training/{JOB}/report.html", read(f"training/{JOB}/report.html"), "images-prod")
    before = objects()
    assert promote.main(PROMOTE) == 0
    assert read(ARTIFACT_KEY, "images-prod") == read(ARTIFACT_KEY)
    assert objects()[f"training/{JOB}/report.html"] == before[f"training/{JOB}/report.html"]


@pytest.mark.usefixtures("account")
def test_only_an_approved_version_is_promoted(capsys: pytest.CaptureFixture[str]) -> None:
    assert f"pneumonia-{SOURCE}" in refusal(capsys, PROMOTE, 1)
    register_model(SOURCE)
    assert f"python -m ml.registry --stage {SOURCE} approve" in refusal(capsys, PROMOTE, 1)
    error = refusal(capsys, [*PROMOTE, "--version", "1"], 1)
    assert "PendingManualApproval" in error
    assert "Approved" in error
    assert "9" in refusal(capsys, [*PROMOTE, "--version", "9"], 2)
    assert registry.main(["approve", "1"]) == 0
    assert registry.main(["reject", "1", "--reason", "withdrawn"]) == 0
    assert "approve" in refusal(capsys, PROMOTE, 1)
    assert "Rejected (withdrawn)" in refusal(capsys, [*PROMOTE, "--version", "1"], 1)
    boto3.client("sagemaker").create_model_package(
        ModelPackageGroupName=packages.group_name(SOURCE), ModelApprovalStatus="Approved"
    )
    assert "artifact-sha256" in refusal(capsys, PROMOTE, 1)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("part", ["file", "evaluation", "graph"])
def test_what_changed_after_its_approval_is_not_promoted(part: str, capsys: pytest.CaptureFixture[str]) -> None:
    approve_model()
    if part == "file":
        put(ARTIFACT_KEY, b"another artifact")
    elif part == "evaluation":
        put_evaluation(threshold=0.01)
    else:
        run = json.loads(read(f"training/{JOB}/run.json"))
        del run["graph"]
        put(f"training/{JOB}/run.json", json.dumps(run).encode())
    error = refusal(capsys, PROMOTE, 1)
    assert part in error
    assert f"python -m ml.transform --stage {SOURCE}" in error


@pytest.mark.usefixtures("account")
def test_wrong_usage_and_what_is_not_deployed_are_refused_before_anything_is_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    approve_model()
    capsys.readouterr()
    for options, code, words in (
        (["--from", SOURCE, "--to", SOURCE], 2, [SOURCE, "different"]),
        (["--from", "Dev", "--to", TARGET], 2, ["Dev", "lower-case"]),
        (["--from", SOURCE], 2, ["--to"]),
        (["--from", SOURCE, "--to", TARGET, "--profile", "nobody"], 2, ["nobody"]),
        (["--from", SOURCE, "--to", "staging", "--yes"], 1, ["Pneumonia-staging-Storage"]),
        (["--from", SOURCE, "--to", GONE, "--yes"], 1, ["bucket does not exist", "storage stack"]),
        (PROMOTE[:-1], 2, ["--yes"]),
    ):
        error = refusal(capsys, options, code)
        assert all(word in error for word in words), error


S3_READ = ["s3:GetObject", "s3:ListBucket"]
S3_WRITE = [*S3_READ, "s3:PutObject", "s3:AbortMultipartUpload"]
VERSIONS = ["sagemaker:ListModelPackages", "sagemaker:DescribeModelPackage"]
REGISTER = [*VERSIONS, "sagemaker:CreateModelPackageGroup", "sagemaker:AddTags", "sagemaker:CreateModelPackage"]


def test_a_profile_of_another_account_needs_no_right_on_the_source_and_the_source_none_on_the_target(
    account: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The users of two policies stand for two accounts: no call may use the credentials of the other side."""
    approve_model()
    reader = user(account, "reader", {"sagemaker": VERSIONS, BUCKET: S3_READ})
    actions = [*REGISTER, "cloudformation:DescribeStacks"]
    writer = user(account, "writer", {"sagemaker": actions, "images-abroad": S3_WRITE})
    profile = {"region": "eu-west-1", "aws_access_key_id": writer[0], "aws_secret_access_key": writer[1]}
    lines = ["[profile abroad]", *(f"{name} = {value}" for name, value in profile.items())]
    (tmp_path / "config").write_text("\n".join(lines))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", reader[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", reader[1])
    options = ["--from", SOURCE, "--to", ABROAD, "--yes"]
    assert promote.main(options) == 1
    assert "AWS refused" in capsys.readouterr().err
    assert promote.main([*options, "--profile", "abroad"]) == 0, capsys.readouterr().err
    entry = files.read_model(ABROAD)
    assert "eu-west-1" in entry["image"]
    assert entry["environment"]["SAGEMAKER_REGION"] == "eu-west-1"
    with clients.using_profile("abroad"):
        (version,) = versions(ABROAD)
    assert version["InferenceSpecification"]["Containers"][0]["Image"] == entry["image"]
    assert f":{REGION}:" in entry["promoted_from"]["source_package"]
    assert registry.main(["approve", "1"]) == 0  # it is approved already
    assert registry.main(["reject", "1", "--reason", "no"]) == 1
    assert "sagemaker:UpdateModelPackage" in capsys.readouterr().err


def user(account: Server, name: str, grants: dict[str, list[str]]) -> tuple[str, str]:
    """Create a user who may do these actions, on everything of SageMaker or on a bucket; return its key and secret."""
    statements = [
        {
            "Effect": "Allow",
            "Action": actions,
            "Resource": "*" if part == "sagemaker" else [f"arn:aws:s3:::{part}", f"arn:aws:s3:::{part}/training/*"],
        }
        for part, actions in grants.items()
    ]
    iam = account.client("iam")
    iam.create_user(UserName=name)
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="grants", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]
