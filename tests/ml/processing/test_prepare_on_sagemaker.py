"""`python -m ml.prepare --on sagemaker` with real jobs: complete, resumed, followed again, stopped."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import boto3
import pytest

from ml import prepare
from tests.localaws.sagemaker.builders import until
from tests.localaws.server.builders import Server

from .conftest import CLOSED, SOURCE

OPTIONS = ("--batch-size", "8", "--augment", "1", "--yes")
TABLE = Path("build/datasets/images/files.csv")
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


def sagemaker() -> Any:
    return boto3.client("sagemaker")


def test_the_jobs_make_the_version_of_one_machine_and_a_second_run_starts_none(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(source) == 0
    expected, table = version(), TABLE.read_text()
    assert "s3://hospital/images/test/NORMAL/noise.jpeg,left out,not_a_radiograph," in table
    boto3.Session().resource("s3").Bucket("jobs").objects.all().delete()
    capsys.readouterr()
    before = len(jobs())
    assert run(source, *REMOTE) == 0, capsys.readouterr().err
    printed = capsys.readouterr()
    assert version() == expected
    assert TABLE.read_text() == table
    assert "s3://hospital/images/train/NORMAL/empty.jpeg: " in printed.err
    assert [name.split("-")[2] for name in jobs()[before:]] == ["standardise", "assemble", "variants"]
    assert printed.out.count(" USD on demand") == 3
    for name in jobs():
        assert sagemaker().describe_processing_job(ProcessingJobName=name)["NetworkConfig"]["EnableNetworkIsolation"]
    assert run(source, *REMOTE) == 0
    assert len(jobs()) == before + 3
    lost = next(key for key in expected if "/train/" in key)
    boto3.client("s3").delete_object(Bucket="jobs", Key=lost)
    assert run(source, *REMOTE) == 0
    assert [name.split("-")[2] for name in jobs()[before + 3 :]] == ["variants"]
    assert version() == expected


def containers(server: Server, stage: str, host: str) -> list[int]:
    """Return the processes that run a stage on an instance of this server."""
    pids = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[1:2] == ["-m"] and stage in words and any(str(server.state) in w and f"/{host}/" in w for w in words):
            pids.append(int(path.parent.name))
    return pids


def started(source: str) -> tuple[threading.Thread, list[int]]:
    """Start a preparation in a thread; return the thread, and a list that gets the exit code."""
    code: list[int] = []
    thread = threading.Thread(target=lambda: code.append(run(source, *REMOTE)))
    thread.start()
    return thread, code


def test_after_a_killed_instance_attach_does_what_is_missing(
    source: str, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(jobs())
    thread, code = started(source)
    pids = until(lambda: containers(server, "standardise", "algo-2"), 120)
    os.kill(pids[0], signal.SIGKILL)
    thread.join(120)
    assert code == [1]
    job = jobs()[before]
    printed = capsys.readouterr().err
    assert "exit code: 137" in printed
    assert f"--attach {job}" in printed
    assert version() == {}
    assert prepare.main(["--attach", job]) == 0
    assert [name.split("-")[2] for name in jobs()[before:]] == ["standardise", "standardise", "assemble", "variants"]
    keys = [key.rpartition("/")[2] for key in version()]
    assert "dataset.json" in keys


def test_a_stopped_job_ends_the_command_with_the_way_to_continue(
    source: str, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(jobs())
    thread, code = started(source)
    until(lambda: containers(server, "standardise", "algo-1"), 120)
    job = jobs()[before]
    assert prepare.main(["--stop", job]) == 0
    thread.join(120)
    assert code == [1]
    assert f"--attach {job}" in capsys.readouterr().err


def test_a_source_that_the_role_cannot_read_ends_with_the_setting_that_lets_it(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket = boto3.Session().resource("s3").Bucket(CLOSED)
    for item in boto3.Session().resource("s3").Bucket(SOURCE).objects.all():
        bucket.copy({"Bucket": SOURCE, "Key": item.key}, item.key)
    assert run(f"s3://{CLOSED}/images", *REMOTE) == 1
    printed = capsys.readouterr().err
    assert "AccessDenied" in printed
    assert "source_buckets" in printed


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--source", "phantom", "--on", "sagemaker"), "s3://BUCKET/PREFIX"),
        (("--source", "s3://hospital/images", "--on", "sagemaker", "--format", "recordio"), "lst"),
        (("--attach", "no-such-job"), "no-such-job"),
        ((), "--source is missing"),
        (("--source", "phantom", "--attach", "job"), "--attach"),
    ],
)
def test_what_cannot_be_prepared_there_is_refused(
    source: str, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], expected: str
) -> None:
    assert prepare.main([*options]) == 2
    assert expected in capsys.readouterr().err
