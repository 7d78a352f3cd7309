"""Following a job: no line is lost, no attempt unread, and no end hides that the job goes on."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

from ml import train, tune
from ml.aws import clients
from ml.training import follow

from .conftest import STAGE
from .scripted import BreakError, Operation, RefusalError, ScriptedAws, scripted_aws

JOB = "pneumonia-test-20260101-120000"


@pytest.fixture
def script() -> Iterator[ScriptedAws]:
    with scripted_aws() as running:
        yield running


class Logs:
    """A job's log streams, one line a page and one stream a page of the list; `broken` is a page to fail once."""

    def __init__(
        self, script: ScriptedAws, streams: dict[str, list[str]], broken: tuple[str, int] | None = None
    ) -> None:
        self.streams, self.broken = streams, broken
        script.operations |= {"DescribeLogStreams": self.describe, "GetLogEvents": self.events}

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        number = int(request.get("nextToken", "0"))
        listed = [
            {"logStreamName": name, "creationTime": 1000 + order}
            for order, name in enumerate(self.streams)
            if name.startswith(request["logStreamNamePrefix"])
        ]
        # The service lists by name; the older attempt comes last.
        answer: dict[str, Any] = {"logStreams": listed[::-1][number : number + 1]}
        return answer | ({"nextToken": str(number + 1)} if number + 1 < len(listed) else {})

    def events(self, request: dict[str, Any]) -> dict[str, Any]:
        name, number = request["logStreamName"], int(request.get("nextToken", "0"))
        if self.broken == (name, number):
            self.broken = None
            raise BreakError
        lines = self.streams[name][number : number + 1]
        return {
            "events": [{"message": line, "timestamp": 0} for line in lines],
            "nextForwardToken": str(number + len(lines)),
        }


@pytest.mark.parametrize("broken", [(f"{JOB}/b", 0), (f"{JOB}/b", 1), (f"{JOB}/a", 0), (f"{JOB}/a", 2)])
def test_a_connection_that_breaks_between_two_pages_loses_no_line(script: ScriptedAws, broken: tuple[str, int]) -> None:
    Logs(script, {f"{JOB}/b": ["1", "2"], f"{JOB}/a": ["3", "4", "5"]}, broken)
    reader = follow.LogReader(script.client("logs"), JOB)
    with pytest.raises(clients.CONNECTION_ERRORS):
        reader.new_lines()
    assert reader.new_lines() == ["1", "2", "3", "4", "5"]
    assert reader.new_lines() == []


def test_a_stream_that_starts_later_is_read_and_one_of_another_job_is_not(script: ScriptedAws) -> None:
    logs = Logs(script, {})
    reader = follow.LogReader(script.client("logs"), JOB)
    assert reader.new_lines() == []
    logs.streams |= {f"{JOB}/z": ["1"], f"{JOB}-other/a": ["of another job"]}
    assert reader.new_lines() == ["1"]
    logs.streams[f"{JOB}/z"].append("2")
    logs.streams[f"{JOB}/a"] = ["3"]
    assert reader.new_lines() == ["2", "3"]


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_log_that_cannot_be_read_does_not_end_following(script: ScriptedAws, code: str) -> None:
    def refuse(request: dict[str, Any]) -> dict[str, Any]:
        raise RefusalError(code, "no")

    script.operations["DescribeLogStreams"] = refuse
    assert follow.LogReader(script.client("logs"), JOB).new_lines() == []


def refuse_token(request: dict[str, Any]) -> dict[str, Any]:
    raise RefusalError("ExpiredTokenException", "The security token included in the request is expired")


def break_off(request: dict[str, Any]) -> dict[str, Any]:
    raise BreakError


def interrupt(*arguments: object) -> None:
    raise KeyboardInterrupt


def sign_out(*arguments: object) -> None:
    raise botocore.exceptions.UnauthorizedSSOTokenError


def running() -> dict[str, Any]:
    """Return what both Describe operations say of a job in progress."""
    return {
        "TrainingJobName": JOB,
        "TrainingJobStatus": "InProgress",
        "SecondaryStatus": "Training",
        "HyperParameters": {"epochs": "4"},
        "HyperParameterTuningJobName": JOB,
        "HyperParameterTuningJobStatus": "InProgress",
    }


@pytest.fixture
def job(script: ScriptedAws, project: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptedAws:
    """A job in progress that both commands can follow, asked about every 10 ms."""
    script.use(monkeypatch)
    script.operations |= {
        "DescribeTrainingJob": lambda request: running(),
        "DescribeHyperParameterTuningJob": lambda request: running(),
        "ListTrainingJobsForHyperParameterTuningJob": lambda request: {"TrainingJobSummaries": []},
        "DescribeLogStreams": lambda request: {"logStreams": []},
    }
    monkeypatch.setattr(clients, "PATIENCE_SECONDS", 0.05)
    for module in (follow, tune):
        monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    return script


def describe_by(script: ScriptedAws, answers: Callable[[int], Operation]) -> None:
    """Let the n-th description of a job be that of `answers(n)`, from 1."""
    count = itertools.count(1)

    def describe(request: dict[str, Any]) -> dict[str, Any]:
        return answers(next(count))(request)

    script.operations |= {"DescribeTrainingJob": describe, "DescribeHyperParameterTuningJob": describe}


@pytest.mark.parametrize("command", [train, tune])
@pytest.mark.parametrize(
    ("end", "message"),
    [
        (refuse_token, "Sign in again"),
        (sign_out, "Sign in again"),
        (break_off, "Connection was closed"),
        (interrupt, "Interrupted"),
    ],
)
def test_every_end_of_following_says_that_the_job_is_billed_and_how_to_go_on(
    job: ScriptedAws,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: Any,
    end: Any,
    message: str,
) -> None:
    if end in (refuse_token, break_off):
        describe_by(job, lambda number: end if number > 2 else lambda request: running())
    else:
        monkeypatch.setattr("time.sleep", end)
    assert command.main(["--attach", JOB]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "is billed" in error
    for option in ("--attach", "--stop"):
        assert f"python -m {command.__name__} --stage {STAGE} {option} {JOB}" in error


@pytest.mark.parametrize("command", [train, tune])
def test_a_break_that_heals_is_not_seen(job: ScriptedAws, capsys: pytest.CaptureFixture[str], command: Any) -> None:
    ended = {"TrainingJobStatus": "Failed", "HyperParameterTuningJobStatus": "Failed", "FailureReason": "No data."}
    answers: dict[int, Operation] = {1: break_off, 3: break_off, 5: lambda request: running() | ended}
    describe_by(job, lambda number: answers.get(number, lambda request: running()))
    assert command.main(["--attach", JOB]) == 1
    error = capsys.readouterr().err
    assert "No data" in error
    assert ".." not in error
    assert "is billed" not in error


@pytest.mark.parametrize("command", [train, tune])
@pytest.mark.parametrize("code", ["ValidationException", "ResourceNotFound"])
def test_a_job_that_does_not_exist_is_refused_and_not_called_billed(
    job: ScriptedAws, capsys: pytest.CaptureFixture[str], command: Any, code: str
) -> None:
    def missing(request: dict[str, Any]) -> dict[str, Any]:
        raise RefusalError(code, "Requested resource not found.")

    describe_by(job, lambda number: missing)
    assert command.main(["--attach", "no-such-job"]) == 2
    error = capsys.readouterr().err
    assert "no-such-job" in error
    assert "is billed" not in error


def test_a_job_of_another_algorithm_is_refused(job: ScriptedAws, capsys: pytest.CaptureFixture[str]) -> None:
    describe_by(job, lambda number: lambda request: running() | {"HyperParameters": {}})
    assert train.main(["--attach", JOB]) == 2
    assert f"{JOB} has no hyperparameter epochs" in capsys.readouterr().err


def test_a_job_that_ended_but_could_not_be_recorded_is_not_called_billed(
    job: ScriptedAws, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server has no S3: it refuses the question for the artifact."""
    ended = {
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "ModelArtifacts": {"S3ModelArtifacts": f"s3://images/training/{JOB}/output/model.tar.gz"},
    }
    describe_by(job, lambda number: lambda request: running() | ended)
    assert train.main(["--attach", JOB]) == 1
    error = capsys.readouterr().err
    assert "has ended" in error
    assert f"python -m ml.train --stage {STAGE} --attach {JOB}" in error
    assert "is billed" not in error
