"""Every setting is checked; a refusal says what was received, what is allowed and what to do."""

import json
import re
from typing import Any

import pytest

from infra import settings
from infra.errors import SettingsError
from tests.settings_cases import CASES, Case

from .conftest import ROOT

BAD = [
    ("stage", "Dev", "lower-case"),
    ("stage", "1dev", "lower-case"),
    ("stage", "a" * 17, "at most 15"),
    ("stage", "", "lower-case"),
    ("stage", "dev-1", "lower-case"),
    ("stage", 7, "lower-case"),
    ("region", "mx-central-1", "us-east-1"),
    ("region", "us-east-9", "us-east-1"),
    ("region", ["us-east-1"], "us-east-1"),
    ("hosting", "async", "realtime, serverless"),
    ("instance_type", "m5.large", "ml.m5.large"),
    ("instance_type", "ml.m5.large; rm", "ml.m5.large"),
    ("instance_count", 0, "from 1 to 20"),
    ("instance_count", 21, "from 1 to 20"),
    ("instance_count", "two", "from 1 to 20"),
    ("instance_count", True, "from 1 to 20"),
    ("serverless_memory_mb", 3000, "steps of 1024"),
    ("serverless_memory_mb", 7168, "from 1024 to 6144"),
    ("serverless_concurrency", 201, "from 1 to 200"),
    ("retain_data", "yes", "true or false"),
    ("rate_limit", 0, "from 1 to 10000"),
    ("burst_limit", -1, "from 1 to 10000"),
    ("burst_limit", 2.5, "from 1 to 10000"),
    ("daily_quota", 10_000_001, "from 1 to 10000000"),
    ("log_retention_days", 31, "30"),
    ("log_retention_days", "\u00b2", "30"),
    ("function_memory_mb", 128, "from 256 to 10240"),
    ("autoscaling_max_instances", 0, "from 1 to 20"),
    ("autoscaling_target", "fast", "from 1 to 100000"),
    ("rollback_wait_minutes", 61, "from 0 to 60"),
    ("lease_hours", 169, "from 0 to 168"),
    ("data_capture_percent", 101, "from 0 to 100"),
    ("vpc_subnets", "subnet-1", "subnet-0123456789abcdef0"),
    ("vpc_security_groups", ["sg-0123456789abcdef0"], "sg-0123456789abcdef0"),
    ("auth", "none", "api_key, iam"),
    ("cors_origins", "*", "https://app.example.org"),
    ("cors_origins", "http://app.example.org", "https://app.example.org"),
    ("waf", "on", "true or false"),
    ("kms", "arn:aws:kms:us-east-1:1:key/x", "none, create"),
    ("alarms_email", "nobody", "an e-mail address"),
    ("alarms_email", "a@b.org, c@d.org", "an e-mail address"),
    ("budget_monthly_usd", -1, "from 0 to 1000000"),
]


def shipped_context() -> dict[str, Any]:
    return dict(json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"])


def refusal(**changes: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        settings.read(shipped_context() | changes)
    return str(caught.value)


@pytest.mark.parametrize(("name", "value", "allowed"), BAD)
def test_a_bad_value_is_refused_with_what_is_allowed_and_a_remedy(name: str, value: Any, allowed: str) -> None:
    sentence = refusal(**{name: value})
    assert f"{name} is {value!r}" in sentence
    assert allowed in sentence
    assert "cdk.json" in sentence
    assert "--context" in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_every_setting_has_a_refused_value_above() -> None:
    assert {name for name, _, _ in BAD} == set(settings.CHECKS)


def test_every_setting_has_a_row_in_the_table_of_the_module() -> None:
    documented = {
        name for row in re.findall(r"^\| ([a-z_, ]+) \|", settings.__doc__ or "", re.M) for name in row.split(", ")
    }
    assert documented - {"name"} == set(settings.CHECKS)


def test_an_unknown_key_is_refused_with_the_known_ones() -> None:
    sentence = refusal(instance_typ="ml.m5.large")
    assert "unknown setting 'instance_typ'" in sentence
    assert "instance_type" in sentence
    assert "--context" in sentence


def test_all_faults_are_named_at_once() -> None:
    sentence = refusal(stage="Dev", region="mars-1", colour="red")
    assert all(part in sentence for part in ("'Dev'", "'mars-1'", "'colour'"))


@pytest.mark.parametrize("name", sorted(settings.CHECKS))
def test_a_missing_setting_is_named(name: str) -> None:
    context = shipped_context()
    del (context if name == "stage" else context["defaults"])[name]
    with pytest.raises(SettingsError, match=f"{name} is not set; .*cdk.json"):
        settings.read(context)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.claim)
def test_what_counts_is_the_override_then_the_stage_then_the_default(case: Case) -> None:
    context = case.cdk_json()["context"] | case.given | {"stage": case.stage}
    if not case.refused:
        resolved = settings.read(context)
        assert {name: getattr(resolved, name) for name in case.settings} == case.settings
        return
    with pytest.raises(SettingsError) as caught:
        settings.read(context)
    assert not [part for part in case.refused if part not in str(caught.value)], str(caught.value)


def test_the_file_holds_no_setting_where_overrides_are_looked_for() -> None:
    assert {name for name in shipped_context() if "@" not in name} == {"stage", "defaults", "stages"}


def test_the_prod_stage_keeps_its_data_and_its_endpoint() -> None:
    prod = settings.read(shipped_context() | {"stage": "prod"})
    assert (prod.retain_data, prod.lease_hours) == (True, 0)


def test_keys_of_the_cdk_and_of_models_are_no_settings() -> None:
    theirs = {"aws:cdk:enable-path-metadata": True, "@aws-cdk/core:x": True, "model:dev": {"artifact": "?"}}
    assert settings.read(shipped_context() | theirs) == settings.read(shipped_context())


def test_strings_from_the_command_line_mean_what_numbers_in_the_file_mean() -> None:
    typed = settings.read(shipped_context() | {"instance_count": 3, "retain_data": True, "log_retention_days": 7})
    strings = settings.read(
        shipped_context() | {"instance_count": "3", "retain_data": "true", "log_retention_days": "7"}
    )
    assert strings == typed
    assert (strings.instance_count, strings.retain_data, strings.log_retention_days) == (3, True, 7)


def test_the_shipped_defaults_are_one_small_instance_billed_by_the_hour() -> None:
    shipped = settings.read(shipped_context())
    assert (shipped.stage, shipped.region) == ("dev", "us-east-1")
    assert (shipped.hosting, shipped.instance_type, shipped.instance_count) == ("realtime", "ml.m5.large", 1)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"vpc_subnets": "subnet-0123456789abcdef0"}, "belong together"),
        ({"hosting": "serverless", "data_capture_percent": "5"}, "a serverless endpoint does not offer"),
        ({"rate_limit": "30", "burst_limit": "20"}, "burst_limit is 20, below rate_limit, 30"),
        ({"budget_monthly_usd": "50"}, "without alarms_email"),
    ],
)
def test_settings_that_make_no_sense_together_are_refused(changes: dict[str, str], told: str) -> None:
    assert told in refusal(**changes)


def test_the_summary_says_what_costs_and_who_may_call() -> None:
    shipped = settings.summary(settings.read(shipped_context()))
    assert "1 x ml.m5.large, billed by the hour, deletes itself 8 h after its last extension" in shipped
    assert "API by api_key" in shipped
    serverless = shipped_context() | {"hosting": "serverless", "lease_hours": "0", "auth": "iam"}
    assert "billed by the request, runs until deleted" in settings.summary(settings.read(serverless))
    captured = settings.read(shipped_context() | {"data_capture_percent": "5"})
    assert "images of patients" in settings.summary(captured)
