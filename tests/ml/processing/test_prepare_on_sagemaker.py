"""`python -m ml.prepare --on sagemaker` with real jobs: complete, resumed, followed again, stopped."""

import boto3
import pytest

from ml import prepare

OPTIONS = ("--batch-size", "8", "--augment", "1", "--yes")
REMOTE = ("--on", "sagemaker", "--instances", "2", "--instance-type", "ml.m5.large")


def run(source: str, *options: str) -> int:
    return prepare.main(["--source", source, *OPTIONS, *options])


def version() -> dict[str, bytes]:
    """Return the objects of the data set."""
    objects = boto3.Session().resource("s3").Bucket("jobs").objects.filter(Prefix="datasets/")
    return {item.key: item.get()["Body"].read() for item in objects}


def jobs() -> list[str]:
    """Return the names of all jobs, the oldest first."""
    return [
        job["ProcessingJobName"] for job in sagemaker().list_processing_jobs(MaxResults=100)["ProcessingJobSummaries"]
    ]


def sagemaker() -> object:
    return boto3.client("sagemaker")


def test_the_jobs_make_the_version_of_one_machine_and_a_second_run_starts_none(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(source) == 0
    expected = version()
    boto3.Session().resource("s3").Bucket("jobs").objects.all().delete()
    capsys.readouterr()
    assert run(source, *REMOTE) == 0, capsys.readouterr().err
    printed = capsys.readouterr()
    assert version() == expected
    assert "s3://hospital/images/train/NORMAL/empty.jpeg: " in printed.err
    assert [name.split("-")[2] for name in jobs()] == ["standardise", "assemble", "variants"]
    assert printed.out.count(" USD on demand") == 3
    assert run(source, *REMOTE) == 0
    assert len(jobs()) == 3
    lost = next(key for key in expected if "/train/" in key)
    boto3.client("s3").delete_object(Bucket="jobs", Key=lost)
    assert run(source, *REMOTE) == 0
    assert [name.split("-")[2] for name in jobs()][3:] == ["variants"]
    assert version() == expected
