"""The upload against a second implementation of S3, so that it rests on no habit of the one the other tests use."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from ml.dataset import upload
from ml.dataset.layout import Layout
from ml.errors import UserError

CONTENT = {"name": "images", "version": "0123456789ab"}
PREFIX = "datasets/images/0123456789ab"


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="images")
        yield


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    files = {}
    for key, body in {"train/NORMAL/a.jpg": b"a" * 100, "recordio/train/train.rec": b"r" * 9_000_000}.items():
        files[key] = tmp_path / Path(key).name
        files[key].write_bytes(body)
    return Layout(files, {"train_lst/train.lst": b"0\t0\tNORMAL/a.jpg\n"}, {"train": [(0, "NORMAL/a.jpg")]})


def head(key: str) -> tuple[int, str]:
    answer = boto3.client("s3").head_object(Bucket="images", Key=f"{PREFIX}/{key}")
    return answer["ContentLength"], answer["ContentType"]


def test_each_object_arrives_whole_with_its_media_type(layout: Layout) -> None:
    assert upload.upload("images", CONTENT, layout, {"report.html": b"<p>"}) == 6
    assert head("train/NORMAL/a.jpg") == (100, "image/jpeg")
    assert head("recordio/train/train.rec") == (9_000_000, "application/x-recordio")
    assert head("train_lst/train.lst") == (17, "text/plain")
    assert head("report.html") == (3, "text/html; charset=utf-8")
    assert upload.read_version("images", None) == CONTENT


def test_a_second_upload_sends_nothing_and_mends_what_has_another_size(layout: Layout) -> None:
    upload.upload("images", CONTENT, layout, {})
    assert upload.upload("images", CONTENT, layout, {}) == 0
    boto3.client("s3").put_object(Bucket="images", Key=f"{PREFIX}/train/NORMAL/a.jpg", Body=b"cut")
    assert upload.upload("images", CONTENT, layout, {}) == 1
    assert head("train/NORMAL/a.jpg") == (100, "image/jpeg")


def test_a_version_that_is_not_there_is_named_with_the_remedy() -> None:
    with pytest.raises(UserError, match=r"no complete data set images/ffff; run `python -m ml\.prepare` first"):
        upload.read_version("images", "images/ffff")
