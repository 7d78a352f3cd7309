"""A mistake in the function's environment is named in the log, not to the caller."""

import datetime as dt
import json

import botocore.session
import pytest
from inference_proxy.settings import ProxySettingsError, parse

from .conftest import ENVIRONMENT, Ask
from .events import event
from .hostile import assert_problem


def test_each_variable_is_read() -> None:
    settings = parse(ENVIRONMENT)
    assert settings.endpoint_name == "pneumonia-test"
    assert settings.classes == ("NORMAL", "PNEUMONIA")
    assert (settings.threshold, settings.threshold_source) == (0.5, "default")
    assert settings.resize_mode == "squash"
    assert settings.model_version == "pneumonia-test-20261124-031500"
    assert settings.lease == ("pneumonia-test-lease", dt.datetime(2026, 11, 24, 20, tzinfo=dt.UTC))
    assert settings.runtime_url == "https://runtime.sagemaker.eu-west-1.amazonaws.com"


OPTIONAL = {
    "EVALUATION_URI", "CORS_ORIGINS", "ENDPOINT_COST", "LEASE_SCHEDULE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "") for name in ENVIRONMENT if name not in OPTIONAL),
        ("STAGE", "Dev"),
        ("UPLOAD_BUCKET", "Images"),
        ("EVALUATION_URI", "s3://images"),
        ("EVALUATION_URI", "https://images/training/"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://a.example, example.org"),
        ("ENDPOINT_NAME", "-pneumonia"),
        ("ENDPOINT_NAME", "a/../b"),
        ("ENDPOINT_NAME", "x" * 64),
        ("CLASSES", "NORMAL,PNEUMONIA"),
        ("CLASSES", '{"NORMAL": 0}'),
        ("CLASSES", '["PNEUMONIA"]'),
        ("CLASSES", '["NORMAL", "NORMAL", "PNEUMONIA"]'),
        ("CLASSES", '["HEALTHY", "SICK"]'),
        ("CLASSES", '["PNEUMONIA", 1]'),
        ("RESIZE_MODE", "crop"),
        ("CALIBRATION", "1, 0"),
        ("CALIBRATION", "[1, 0]"),
        ("CALIBRATION", '{"slope": 1}'),
        ("CALIBRATION", '{"slope": 0, "intercept": 0}'),
        ("CALIBRATION", '{"slope": NaN, "intercept": 0}'),
        ("CALIBRATION", '{"slope": 1, "intercept": 0, "bias": 2}'),
        ("THRESHOLD", "half"),
        ("THRESHOLD", "1.5"),
        ("THRESHOLD", "-0.1"),
        ("THRESHOLD", "nan"),
        ("LEASE_SCHEDULE", "../schedules"),
        ("LEASE_ENDS", "tomorrow"),
        ("ENDPOINT_COST", "0.115"),
        ("ENDPOINT_COST", "{"),
        ("AWS_REGION", "us-east-1.evil.example/"),
        ("AWS_ENDPOINT_URL", "127.0.0.1:8080"),
        ("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", "file:///etc"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(ProxySettingsError, match=f"^{name} is "):
        parse(ENVIRONMENT | {name: value})


@pytest.mark.parametrize(("service", "setting"), [("sagemaker-runtime", "runtime_url"), ("scheduler", "scheduler_url")])
def test_a_service_is_where_botocore_finds_it_in_every_region(
    service: str, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)  # a shell that uses localaws has it
    session = botocore.session.Session()
    addresses = {}
    for partition in session.get_available_partitions():
        for region in session.get_available_regions(service, partition):
            client = session.create_client(
                service, region_name=region, aws_access_key_id="x", aws_secret_access_key="x"
            )
            addresses[region] = client.meta.endpoint_url
    assert len(addresses) > 20
    assert {region: getattr(parse(ENVIRONMENT | {"AWS_REGION": region}), setting) for region in addresses} == addresses


@pytest.mark.parametrize("name", ["predict_jpeg", "health"])
def test_a_misconfigured_function_logs_the_reason(
    name: str, ask: Ask, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("THRESHOLD", "half")
    assert_problem(ask(event(name)), 500, "misconfigured")
    assert "THRESHOLD is 'half'" in json.loads(capsys.readouterr().out)["cause"]["reason"]


def test_missing_credentials_are_a_misconfiguration(ask: Ask, environment: pytest.MonkeyPatch) -> None:
    environment.delenv("AWS_SECRET_ACCESS_KEY")
    assert_problem(ask(event("predict_jpeg")), 500, "misconfigured")


def test_the_function_recovers_when_its_environment_does(ask: Ask, environment: pytest.MonkeyPatch) -> None:
    environment.delenv("MODEL_VERSION")
    assert ask(event("predict_jpeg")).status == 500
    environment.setenv("MODEL_VERSION", "7")
    assert ask(event("predict_jpeg")).body["model_version"] == "7"
