"""Every option of every command refuses a bad value with exit code 2, before the command calls AWS."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

import demo.__main__
import localaws.__main__
import ml.drift.__main__
from ml import api, cost, lease, preflight, prepare, train, transform, tune, verify
from ml.aws import clients

COMMANDS: dict[str, Any] = {
    **{module.__name__: module for module in (api, cost, lease, preflight, prepare, train, transform, tune, verify)},
    "ml.drift": ml.drift.__main__,
    "localaws": localaws.__main__,
    "demo": demo.__main__,
}
REQUIRED = {"ml.prepare": ["--source", "phantom"], "ml.lease": ["status"]}
JOBS = ["a job", "-a", "a" * 64, "../a"]
PORTS = ["0", "1023", "65536", "70000", "-1", "many", "1.5", "nan"]
BAD_TEXTS = {
    "accept": ["colour", "kms,colour"],
    "artifact": ["no-such-file.tar.gz", "."],
    "attach": JOBS,
    "context": [
        "hosting",
        "lease_hours=\u0668",
        "colour=blue",
        "lease_hours=-1",
        "lease_hours=two",
        "retain_data=perhaps",
        "stage=dev",
    ],
    "dataset": ["chest-xray", "a/b/c", "../latest", "Chest/0123"],
    "external": ["chest-xray", "a/b/c", "../latest", "Chest/0123"],
    "instance_type": ["ml.g4dn", "g4dn.xlarge", "large", "ml..xlarge"],
    "labels": ["no-such-file.csv", "."],
    "name": ["...", "--"],
    "negative": ["...", "--"],
    "output": ["no-such-folder/file", "."],
    "positive": ["...", "--"],
    "price_table": ["no-such-file.json", ".", "cdk.json"],
    "ranges": ["epochs=1:2", "momentum=nan:0.5", "momentum=0:inf", "momentum=0.5", "optimizer=adam", "optimizer=a,b"],
    "settings": ["beta_1=2", "beta_1=nan", "colour=1", "epochs=2", "momentum", "lr_scheduler_step=x"],
    "source": ["no-such-folder", "s3://"],
    "stage": ["..", "Prod", "a-b", "a" * 17, "1a"],
    "stop": JOBS,
    "transform_type": ["ml.m5", "m5.large", "large", "ml..large"],
    "use": JOBS,
    "work": ["cdk.json"],
    "data": ["no-such-folder", "cdk.json"],
    "state_dir": ["cdk.json"],
    "port": PORTS,
    "app_port": PORTS,
}
"""Values that the option's own parser or type refuses, by the name of its parameter."""
MAY_BE_EMPTY = {("ml.preflight", "accept")}


class Case(NamedTuple):
    command: str
    option: str
    values: list[str]


def bad_values(command: str, parameter: Any) -> Iterator[str]:
    """Yield values that the type of a parameter does not allow."""
    descriptor = parameter.type_descriptor
    if descriptor.choices:
        yield from ("no-such-choice", "-1")
    elif descriptor.annotation in (int, float) and descriptor.parameter_info.parser is None:
        yield from ("many", "nan", "1e", "--", "0x10")
        low, high = descriptor.parameter_info.min, descriptor.parameter_info.max
        assert low is not None, f"{parameter.name} has no lowest value"
        yield from (str(low - 1), "-1" if low >= 0 else str(low - 2), "-inf")
        if descriptor.annotation is int:
            yield from ("1.5", "inf")
        else:
            assert high is not None, f"{parameter.name} accepts inf"
        if high is not None:
            yield from (str(high + 1), f"1{'0' * 30}", "inf")
    else:
        yield from BAD_TEXTS[parameter.name]
    if command.startswith("ml.") and (command, parameter.name) not in MAY_BE_EMPTY:
        yield from ("", " ")


def cases() -> Iterator[Case]:
    for name, module in COMMANDS.items():
        for parameter in typer.main.get_command(module.app).params:
            descriptor = getattr(parameter, "type_descriptor", None)
            if descriptor is None or descriptor.annotation is bool:
                continue
            option = max(parameter.opts, key=len) if parameter.param_type_name == "option" else ""
            yield Case(name, option, [*dict.fromkeys(bad_values(name, parameter))])


@pytest.fixture
def no_aws(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with two settings, in which no client of AWS can be created."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an AWS client was created")

    settings = {"hosting": "realtime", "lease_hours": 8, "retain_data": True, "kms": "none", "region": "us-east-1"}
    (project / "cdk.json").write_text(json.dumps({"context": {"stage": "dev", "defaults": settings}}))
    monkeypatch.setattr(clients, "client", refuse)
    monkeypatch.setattr(clients, "session", refuse)
    monkeypatch.setattr("ml.aws.stacks.client", refuse)
    monkeypatch.setattr("demo.__main__.Walk", refuse)


@pytest.mark.usefixtures("no_aws")
@pytest.mark.parametrize("case", [*cases()], ids=lambda case: f"{case.command} {case.option}")
def test_a_bad_value_is_refused_before_aws_is_called(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    main: Callable[[list[str]], int] = COMMANDS[case.command].main
    assert case.values
    for value in case.values:
        arguments = [f"{case.option}={value}" if case.option.startswith("--") else value]
        if not value.strip():
            arguments = [case.option, value] if case.option else [value]
        if case.option and case.option != "--source":
            arguments = [*REQUIRED.get(case.command, []), *arguments]
        assert main(arguments) == 2, value
        error = capsys.readouterr().err
        assert value in error
        assert "Traceback" not in error


@pytest.mark.usefixtures("no_aws")
@pytest.mark.parametrize(
    ("command", "arguments", "received"),
    [
        ("ml.train", ["--max-runtime", "7200", "--max-wait", "7199"], "7199"),
        ("ml.train", ["--stop", "a", "--list"], "--list"),
        ("ml.tune", ["--attach", "a", "--stop", "b"], "--attach"),
        ("ml.tune", ["--range", "momentum=0:0.9"], "momentum=0:0.9"),
        ("ml.tune", ["--optimizer", "sgd", "--range", "beta_1=0.8:0.9"], "beta_1=0.8:0.9"),
        ("ml.transform", ["--input", "."], "--output"),
        ("ml.transform", ["--output", "scores.csv"], "--input"),
        ("ml.transform", ["--input", ".", "--output", "scores.csv", "--attach", "a"], "--attach"),
        ("ml.transform", ["--external", "a/0", "--force"], "--force"),
        ("ml.transform", ["--external", "a/0", "--prevalence", "0.2"], "--prevalence"),
        ("ml.transform", ["--external", "a/0", "--input", ".", "--output", "scores.csv"], "--input"),
        ("ml.drift", ["--days", "2", "--input", "."], "--days"),
        ("ml.cost", ["--epoch", "2", "--colour"], "--"),
        ("ml.api", ["dev"], "dev"),
        ("ml.lease", [], "action"),
        ("ml.prepare", [], "--source"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_aws_is_called(
    command: str, arguments: list[str], received: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert COMMANDS[command].main(arguments) == 2
    error = capsys.readouterr().err
    assert received in error
    assert "Traceback" not in error


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_every_option_with_its_range_and_its_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = COMMANDS[name]
    assert module.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "%%" not in text
    for parameter in typer.main.get_command(module.app).params:
        assert max(parameter.opts, key=len) in text
        assert getattr(parameter, "help", None), f"{name} {parameter.name} has no help"
        low, high = getattr(parameter, "min", None), getattr(parameter, "max", None)
        assert low is None or f"{low}<=x" in text or f"x>={low}" in text
        assert high is None or f"<={high}" in text


def test_the_examples_keep_their_line_breaks(capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare.main(["--help"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert {"Examples:", "python -m ml.prepare --source phantom", "python -m ml.prepare --source kaggle"} <= {*lines}
