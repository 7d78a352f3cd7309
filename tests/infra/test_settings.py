"""Every setting is checked; an error says what was received, what is allowed and what to do."""

from typing import Any

import pytest

from infra import resolution, settings_table
from infra.errors import SettingsError
from infra.image_uris import ACCOUNTS
from infra.settings import NO_BUDGETS, Settings, summary
from ml.algorithms import PYTORCH
from ml.training import prices
from network.recipe import RECIPES
from tests.settings_cases import CASES, Case

from .builders import shipped_context

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
    ("algorithm", "xgboost", "image-classification, pytorch"),
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
    ("lease_hours", "\u0668", "from 0 to 168"),
    ("data_capture_percent", 101, "from 0 to 100"),
    ("vpc_subnets", "subnet-1", "subnet-0123456789abcdef0"),
    ("vpc_security_groups", ["sg-0123456789abcdef0"], "sg-0123456789abcdef0"),
    ("auth", "none", "api_key, iam"),
    ("cors_origins", "*", "https://app.example.org"),
    ("cors_origins", "http://app.example.org", "https://app.example.org"),
    ("waf", "on", "true or false"),
    ("manage_api_gateway_log_role", "maybe", "true or false"),
    ("source_buckets", "Hospital_Films", "hospital-films"),
    ("source_buckets", "*", "hospital-films"),
    ("kms", "arn:aws:kms:us-east-1:1:key/x", "none, create"),
    ("alarms_email", "nobody", "an e-mail address"),
    ("alarms_email", "a@b.org, c@d.org", "an e-mail address"),
    ("budget_monthly_usd", -1, "from 0 to 1000000"),
    ("budget_scope", "stage", "account, project"),
]

SUBNETS = "subnet-0123456789abcdef0,subnet-0123456789abcdef1"


def read(**changes: Any) -> Settings:
    """Return the settings of cdk.json with changes."""
    return resolution.read(shipped_context() | changes)


def refusal(**changes: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        read(**changes)
    return str(caught.value)


@pytest.mark.parametrize(("name", "value", "allowed"), BAD)
def test_a_bad_value_is_refused_with_what_is_allowed_and_a_remedy(name: str, value: Any, allowed: str) -> None:
    _, fault, remedy = refusal(**{name: value}).split("\n")
    assert f"{name} is {value!r}" in fault
    assert allowed in fault
    assert "cdk.json" in remedy
    assert "-c name=value" in remedy


def test_every_setting_has_a_refused_value_above() -> None:
    assert {name for name, _, _ in BAD} == set(Settings.model_fields)


def test_the_table_of_settings_in_the_document_is_current() -> None:
    document = settings_table.DOCUMENT.read_text(encoding="utf-8")
    assert settings_table.table() in document, "Run `python -m infra.settings_table`."


def test_the_table_is_replaced_and_the_text_around_it_is_kept() -> None:
    document = f"# Before\n\n{settings_table.HEAD}| `old` | row |\n\n## After\n"
    assert settings_table.updated(document) == f"# Before\n\n{settings_table.table()}\n## After\n"
    for name, field in Settings.model_fields.items():
        assert f"| `{name}` |" in settings_table.table()
        assert field.description, name


def test_the_defaults_in_the_file_are_those_of_the_fields() -> None:
    shipped = shipped_context()
    assert Settings.model_validate(shipped["defaults"] | {"stage": shipped["stage"]}) == Settings()
    assert shipped["defaults"].keys() | {"stage"} == Settings.model_fields.keys()


def test_an_unknown_key_is_refused_with_the_known_ones() -> None:
    _, fault, remedy = refusal(instance_typ="ml.m5.large").split("\n")
    assert "'instance_typ'" in fault
    assert "instance_type" in fault
    assert "-c name=value" in remedy


def test_all_faults_are_named_at_once_each_on_its_line() -> None:
    message = refusal(stage="Dev", region="mars-1", colour="red", stages={"prod": {"waf": "yes"}})
    faults = message.splitlines()[1:-1]
    parts = ("'Dev'", "'mars-1'", "'colour'", "stages.prod.waf is 'yes'")
    assert len(faults) == len(parts)
    assert all(any(part in fault for fault in faults) for part in parts)
    assert "pydantic" not in message.lower()
    assert "http" not in message


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_a_missing_setting_is_named(name: str) -> None:
    context = shipped_context()
    del (context if name == "stage" else context["defaults"])[name]
    with pytest.raises(SettingsError, match=f"{name} is not set; .*cdk.json"):
        resolution.read(context)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.claim)
def test_what_counts_is_the_override_then_the_stage_then_the_default(case: Case) -> None:
    context = case.cdk_json()["context"] | case.given | {"stage": case.stage}
    if not case.refused:
        resolved = resolution.read(context)
        assert {name: getattr(resolved, name) for name in case.settings} == case.settings
        return
    with pytest.raises(SettingsError) as caught:
        resolution.read(context)
    assert not [part for part in case.refused if part not in str(caught.value)], str(caught.value)


def test_the_file_holds_no_setting_where_overrides_are_looked_for() -> None:
    assert {name for name in shipped_context() if "@" not in name} == {"stage", "defaults", "stages"}


def test_the_prod_stage_keeps_its_data_and_its_endpoint() -> None:
    prod = read(stage="prod")
    assert (prod.retain_data, prod.lease_hours) == (True, 0)


def test_keys_of_the_cdk_and_of_models_are_no_settings() -> None:
    others = {"aws:cdk:enable-path-metadata": True, "@aws-cdk/core:x": True, "model:dev": {"artifact": "?"}}
    assert read(**others) == read()


def test_strings_from_the_command_line_mean_what_numbers_in_the_file_mean() -> None:
    typed = read(instance_count=3, retain_data=True, log_retention_days=7)
    strings = read(instance_count="3", retain_data="true", log_retention_days="7")
    assert strings == typed
    assert (strings.instance_count, strings.retain_data, strings.log_retention_days) == (3, True, 7)


def test_the_shipped_defaults_are_one_small_instance_billed_by_the_hour() -> None:
    shipped = read()
    assert (shipped.stage, shipped.region) == ("dev", "us-east-1")
    assert (shipped.hosting, shipped.instance_type, shipped.instance_count) == ("realtime", "ml.m5.large", 1)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"vpc_subnets": SUBNETS}, (SUBNETS, "vpc_security_groups")),
        ({"vpc_subnets": SUBNETS[:24], "vpc_security_groups": "sg-0123456789abcdef0"}, (SUBNETS[:24], "two subnets")),
        ({"hosting": "serverless", "data_capture_percent": "5"}, ("data_capture_percent is 5", "hosting=realtime")),
        (
            {"region": "eu-north-1", "budget_monthly_usd": "50", "alarms_email": "a@example.org"},
            ("budget_monthly_usd is 50", "eu-north-1", "Billing console"),
        ),
        ({"rate_limit": "30", "burst_limit": "20"}, ("burst_limit is 20", "rate_limit, 30")),
        ({"budget_monthly_usd": "50"}, ("budget_monthly_usd is 50", "alarms_email")),
        ({"algorithm": "pytorch", "region": "us-iso-east-1"}, ("algorithm is pytorch", "region is us-iso-east-1")),
    ],
)
def test_settings_that_contradict_each_other_are_refused(changes: dict[str, str], parts: tuple[str, ...]) -> None:
    _, fault, _ = refusal(**changes).split("\n")
    assert all(part in fault for part in parts), fault


def test_all_contradictions_are_named_at_once() -> None:
    assert len(refusal(rate_limit=11, budget_monthly_usd=50).splitlines()) == 4


def test_budgets_are_refused_exactly_in_the_regions_where_cloudformation_has_none() -> None:
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # its import takes a second

    offered = PROVIDER_SCHEMA_MANAGER.get_resource_types
    assert {region for region in ACCOUNTS if "AWS::Budgets::Budget" not in offered(region)} == NO_BUDGETS


def test_the_default_target_and_limits_fit_one_worker_of_the_real_container() -> None:
    shipped, per_second = read(), prices.WORKER_SPEED * prices.workers("ml.m5.large")
    assert shipped.autoscaling_target == round(per_second * 0.5 * 60)
    assert shipped.rate_limit == max(1, round(per_second))
    assert shipped.burst_limit <= per_second * 29


def test_the_table_of_settings_names_the_values_that_fit_the_projects_own_network() -> None:
    count = prices.workers("ml.m5.large", PYTORCH)
    laptop, cloud = (prices.NETWORK_SCORING[recipe] * prices.PARALLEL * count for recipe in RECIPES)
    for name, factor in (("autoscaling_target", 0.5 * 60), ("rate_limit", 1)):
        fits = f"{laptop * factor:.0f} fits algorithm=pytorch, {cloud * factor:.0f} its recipe cloud"
        assert fits in str(Settings.model_fields[name].description)


def test_the_summary_has_what_costs_and_who_can_call() -> None:
    shipped = summary(read())
    assert all(part in shipped for part in ("1 x ml.m5.large, billed by the hour", "8 h", "auth=api_key"))
    assert "billed by the request" in summary(read(hosting="serverless", lease_hours="0", auth="iam"))
    assert "images of patients" in summary(read(data_capture_percent="5"))
