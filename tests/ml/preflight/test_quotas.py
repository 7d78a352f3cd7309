"""Quotas as Service Quotas lists them, and the quota that an update of the endpoint needs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml import preflight_quotas
from ml import project as files
from ml.preflight_quotas import Quotas
from tests.localaws.sagemaker.builders import Cloud, make_config, make_endpoint, make_model, running_cloud

from .builders import point_at, state_of

REALTIME = {"hosting": "realtime", "instance_type": "ml.m5.large", "instance_count": 1, "autoscaling_max_instances": 1}
SERVERLESS = {"hosting": "serverless", "serverless_concurrency": 5, "serverless_memory_mb": 3072, "region": "us-east-1"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    yield from running_cloud(tmp_path_factory.mktemp("quotas") / "state")


@pytest.fixture
def account(cloud: Cloud, project: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    point_at(cloud.port, monkeypatch)
    return cloud


def known(applied: dict[str, float], defaults: dict[str, float] | None = None) -> Quotas:
    """Return quotas that were already listed."""
    quotas = Quotas()
    quotas.__dict__.update(applied=applied, defaults=defaults or {})
    return quotas


def of_endpoint(quota: float, **changes: Any) -> tuple[str, str]:
    quotas = known({"ml.m5.large for endpoint usage": quota})
    return state_of(preflight_quotas.endpoint, quotas, "dev", REALTIME | changes)


@pytest.mark.usefixtures("account")
def test_an_applied_quota_counts_else_the_default_else_the_answer_is_unknown() -> None:
    quotas = Quotas()
    assert state_of(preflight_quotas.training, quotas, "ml.g4dn.xlarge", True) == (
        "ok", "ml.g4dn.xlarge for spot training job usage is 4",
    )  # fmt: skip
    state, message = state_of(preflight_quotas.training, quotas, "ml.p3.2xlarge", False)
    assert state == "fails"
    assert "ml.p3.2xlarge for training job usage is 0, AWS's default, but 1 is required" in message
    state, message = state_of(preflight_quotas.transform, quotas, "ml.m7i.large")
    assert (state, "'ml.m7i.large for transform job usage'" in message) == ("unknown", True)
    assert state_of(preflight_quotas.endpoint, quotas, "dev", SERVERLESS)[0] == "ok"
    state, message = state_of(preflight_quotas.endpoint, quotas, "dev", SERVERLESS | {"serverless_concurrency": 20})
    assert (state, "is 10, but 20 is required" in message) == ("fails", True)


def test_each_list_is_read_once_over_all_its_pages(account: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    quotas = Quotas()
    listed = quotas.applied | quotas.defaults
    first_page = account.client("service-quotas").list_service_quotas(ServiceCode="sagemaker")
    assert len(listed) > len(first_page["Quotas"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nothing answers there
    assert quotas.applied | quotas.defaults == listed


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("quota", "changes", "state", "needed"),
    [
        (0, {}, "fails", "1 is required"),
        (1, {}, "not yet", "needs 2 (2 x 1)"),
        (2, {}, "ok", ""),
        (2, {"instance_count": 3}, "fails", "3 is required"),
        (2, {"autoscaling_max_instances": 4}, "not yet", "needs 8 (2 x 4)"),
        (8, {"autoscaling_max_instances": 4}, "ok", ""),
    ],
)
def test_an_update_runs_two_fleets_and_needs_twice_the_largest_number_of_instances(
    quota: float, changes: dict[str, int], state: str, needed: str
) -> None:
    answer, message = of_endpoint(quota, **changes)
    assert answer == state
    assert needed in message


def test_for_a_new_model_on_a_running_endpoint_a_quota_for_one_fleet_fails(account: Cloud) -> None:
    sagemaker = account.client("sagemaker")
    model = make_model(account)
    endpoint = make_endpoint(account, make_config(account, model))
    served = sagemaker.describe_model(ModelName=model)["PrimaryContainer"]["ModelDataUrl"]
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"EndpointName": {"Value": endpoint}},
    }
    stacks, name = account.client("cloudformation"), "Pneumonia-dev-Endpoint"
    stacks.create_stack(StackName=name, TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    files.write("model:dev", {"artifact": served})
    assert of_endpoint(1)[0] == "not yet"
    files.write("model:dev", {"artifact": f"{served}.next"})
    state, message = of_endpoint(1)
    assert (state, "2 is required" in message) == ("fails", True)
    assert of_endpoint(2)[0] == "ok"
    files.write("model:dev", {})
    stacks.delete_stack(StackName=name)


def test_serverless_memory_above_the_usual_limit_is_unknown_unless_service_quotas_lists_it() -> None:
    check = preflight_quotas.serverless
    assert state_of(check, known({}), SERVERLESS)[0] == "ok"
    state, message = state_of(check, known({}), SERVERLESS | {"serverless_memory_mb": 4096})
    assert state == "unknown"
    assert "4096" in message
    assert "3072" in message
    for listed, expected in ((6144.0, "ok"), (3072.0, "fails")):
        quotas = known({preflight_quotas.SERVERLESS_MEMORY: listed})
        assert state_of(check, quotas, SERVERLESS | {"serverless_memory_mb": 4096})[0] == expected


def test_a_region_without_documented_serverless_inference_is_unknown() -> None:
    state, message = state_of(preflight_quotas.serverless, known({}), SERVERLESS | {"region": "eu-central-2"})
    assert (state, "eu-central-2" in message, "eu-central-1" in message) == ("unknown", True, True)
    assert state_of(preflight_quotas.serverless, known({}), REALTIME)[0] == "ok"
