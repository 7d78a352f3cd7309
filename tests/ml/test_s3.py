"""Objects in S3 against a second implementation of it, and hostile URIs."""

from collections.abc import Iterator
from typing import Any

import boto3
import botocore.exceptions
import pytest
from moto import mock_aws

from ml.aws.s3 import Bucket, split_uri
from ml.errors import UserError


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="images")
        yield Bucket("images")


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("s3://images", ("images", "")),
        ("s3://images/", ("images", "")),
        ("s3://images/a/b.jpg", ("images", "a/b.jpg")),
        ("s3://images//a b/\n", ("images", "/a b/\n")),
    ],
)
def test_a_uri_is_split_at_the_first_slash_of_its_path(uri: str, parts: tuple[str, str]) -> None:
    assert split_uri(uri) == parts


@pytest.mark.parametrize(
    "uri", ["", "images/a", "s3:/images/a", "s3://", "s3:///a", "s3://Images/a", "https://images/a"]
)
def test_another_uri_is_refused_with_the_form_that_is_allowed(uri: str) -> None:
    with pytest.raises(UserError) as caught:
        split_uri(uri)
    assert uri in str(caught.value)
    assert "s3://BUCKET/PREFIX" in str(caught.value)
    assert caught.value.code == 2


def test_every_object_below_a_prefix_is_listed_and_read_in_the_order_of_the_keys(bucket: Bucket) -> None:
    pages = []

    def limit(params: dict[str, Any], **_: object) -> None:
        params["MaxKeys"] = 5  # S3's own limit is 1000
        pages.append(params)

    bucket.client.meta.events.register("provide-client-params.s3.ListObjectsV2", limit)
    for number in range(12):
        bucket.put(f"a/{number:04}", b"x" * (number % 7), "text/plain")
    bucket.put("b", b"other", "text/plain")
    sizes = bucket.sizes("a/")
    assert len(pages) == 3
    assert list(sizes.items()) == [(f"a/{number:04}", number % 7) for number in range(12)]
    assert bucket.map(len, list(sizes)) == list(sizes.values())


def test_a_missing_object_is_none_and_another_error_passes(bucket: Bucket) -> None:
    assert (bucket.get("none"), bucket.exists("none")) == (None, False)
    bucket.put("a", b"1", "text/plain")
    assert (bucket.get("a"), bucket.exists("a")) == (b"1", True)
    with pytest.raises(botocore.exceptions.ClientError, match="NoSuchBucket"):
        Bucket("elsewhere").get("a")
